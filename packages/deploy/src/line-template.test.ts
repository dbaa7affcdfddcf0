// More than 200 lines: each option has a short case.
import { describe, expect, it } from 'vitest'
import { type LineTemplateOptions, lineTemplate, resolveParameters } from './index.ts'
import { cycleOf, problemsOf } from './published-schemas.suite.ts'

const options = { service: 'shop', stage: 'prod', handler: 'dist/lambda' }

const domain = { name: 'live.shop.example', certificateArn: 'arn:aws:acm:eu-west-1:1:certificate/1' }
const page = { name: 'shop.example', certificateArn: 'arn:aws:acm:us-east-1:1:certificate/2', hostedZoneId: 'Z1' }

const arn = 'arn:aws:dynamodb:eu-west-1:1:table/shop-restored'
const restored = { name: 'shop-restored', arn, streamArn: `${arn}/stream/1` }

const variants: readonly (readonly [string, Partial<LineTemplateOptions>])[] = [
  ['with all parts', {}],
  ['without an authorizer', { authorizer: false }],
  ['without HTTP, alarms and a dashboard', { http: false, alarms: false, dashboard: false }],
  ['with an HTTP API', { http: 'api' }],
  ['with a function URL', { http: 'url' }],
  ['with streamed responses', { httpStream: true, http: 'url' }],
  ['in a VPC', { vpc: { subnetIds: ['subnet-1'], securityGroupIds: ['sg-1'] } }],
  ['with a domain', { domain }],
  ['with a domain as its only address', { domain: { ...domain, hostedZoneId: 'Z1', disableDefaultEndpoint: true } }],
  ['with a path on a domain', { domain: { ...domain, path: 'chat', certificateArn: { Ref: 'Certificate' } } }],
  ['with a page', { site: true, http: 'api' }],
  ['with a page and a function URL', { site: true, httpStream: true, http: 'url' }],
  ['with a page on a domain', { site: { domain: page, connectTo: ['https://id.example'] }, http: 'url', domain }],
  [
    'with a key, a topic for alarms, origins and reserved concurrency',
    { ...given(), reservedConcurrency: { worker: 5 } },
  ],
  ['with a table that exists', { existingTable: restored }],
  ['with one function', { functions: 'one' }],
  ['with one function for everything', { ...given(), functions: 'one', domain, site: true, http: 'api' }],
  ['of the smallest deployment', { functions: 'one', alarms: false, dashboard: false, http: false, authorizer: false }],
]

function given(): Partial<LineTemplateOptions> {
  return {
    ...{ kmsKey: 'arn:aws:kms:eu-west-1:1:key/1', alarmTopic: 'arn:aws:sns:eu-west-1:1:alarms' },
    ...{ origins: ['https://shop.example', 'https://*.preview.shop.example'], throttle: { rate: 50, burst: 20 } },
    ...{ memoryMb: 1_024, logRetentionDays: 30, retainTable: false, environment: { SHOP: 'open' } },
  }
}

describe.each(variants)('the template %s', (_, variant) => {
  const made = lineTemplate({ ...options, ...variant })
  // a certificate of the same stack
  const template = {
    ...made,
    Parameters: { ...made.Parameters, Certificate: { Type: 'String', Description: '' } as const },
  }

  it('has only properties, types and attributes that AWS publishes', async () => {
    expect(await problemsOf(template)).toEqual([])
  })

  it('has no cycle between its resources', () => {
    expect(cycleOf(template)).toBeUndefined()
  })

  it('has no property that is wrong when its parameters have values', async () => {
    const values = { CodeBucket: 'code', CodeKey: 'shop.zip', Certificate: 'arn:aws:acm:eu-west-1:1:certificate/3' }
    const resolved = { ...resolveParameters(template, values), Parameters: {}, Conditions: {} }
    expect(await problemsOf(resolved)).toEqual([])
    expect(JSON.stringify(resolved)).not.toMatch(/"Fn::If"|"Condition":"|NoValue/)
  })

  it('names only conditions that it declares', () => {
    const named = JSON.stringify(template.Resources).matchAll(/"(?:Condition|Fn::If)":\[?"(\w+)"/g)
    const declared = Object.keys(template.Conditions)
    expect([...new Set([...named].map(([, name]) => name))].filter((name) => !declared.includes(name ?? ''))).toEqual(
      [],
    )
  })
})

describe('the checks of a template', () => {
  const template = lineTemplate(options)
  const withTable = (Properties: Record<string, unknown>) => ({
    ...template,
    Resources: { ...template.Resources, Table: { Type: 'AWS::DynamoDB::Table', Properties } },
  })

  it('find an unknown property, a wrong type and a missing one', async () => {
    expect(await problemsOf(withTable({ BillingMood: 'x', BillingMode: 4 }))).toEqual([
      'Table.KeySchema: required and missing',
      'Table.BillingMood: unknown',
      'Table.BillingMode: not a string that AWS allows',
    ])
  })

  it('find a cycle', () => {
    const Resources = {
      A: { Type: 'AWS::SQS::Queue', Properties: { QueueName: { Ref: 'B' } } },
      B: { Type: 'AWS::SQS::Queue', Properties: { QueueName: { 'Fn::Sub': `\${A.Arn}` } } },
    }
    expect(cycleOf({ ...template, Resources, Outputs: {} })).toEqual(['A', 'B', 'A'])
  })
})

describe('the options', () => {
  it('are applied to every function', () => {
    const environment = { STRIPE: 'live', EMPTY: '', CARDS: { Ref: 'Cards' } }
    const { Resources } = lineTemplate({ ...options, memoryMb: 1_024, environment })
    const functions = Object.values(Resources).filter(({ Type }) => Type === 'AWS::Lambda::Function')
    expect(functions).toHaveLength(7)
    for (const { Properties } of functions)
      expect(Properties).toMatchObject({ MemorySize: 1_024, Environment: { Variables: environment } })
  })

  it('point every function to one handler when the module exports only that', () => {
    const { Resources } = lineTemplate({ ...options, oneHandler: true })
    const functions = Object.values(Resources).filter(({ Type }) => Type === 'AWS::Lambda::Function')
    expect(new Set(functions.map(({ Properties }) => Properties['Handler']))).toEqual(new Set(['dist/lambda.handler']))
  })

  it('leave the other way to http out of the template, since GovCloud refuses the type of a function URL', () => {
    const typesOf = (http: boolean | 'api' | 'url') => {
      const { Resources, Parameters, Outputs } = lineTemplate({ ...options, http })
      const types = new Set(Object.values(Resources).map(({ Type }) => Type))
      const isApi = Object.values(Resources).some(({ Properties }) => Properties['ProtocolType'] === 'HTTP')
      const names = Object.keys(Outputs).filter((name) => name.startsWith('Http'))
      return [isApi, types.has('AWS::Lambda::Url'), names, Parameters['HttpDoor']?.AllowedValues]
    }
    expect(typesOf('api')).toEqual([true, false, ['HttpApiUrl'], ['', 'api']])
    expect(typesOf('url')).toEqual([false, true, ['HttpFunctionUrl'], ['', 'url']])
    expect(typesOf(true)).toEqual([true, true, ['HttpApiUrl', 'HttpFunctionUrl'], ['', 'api', 'url']])
    expect(typesOf(false)).toEqual([false, false, [], undefined])
  })

  it('let http stream its responses behind a function URL, which an HTTP API cannot', () => {
    const { Resources, Parameters } = lineTemplate({ ...options, httpStream: true, oneHandler: true })
    expect(Resources['HttpLambdaFunction']?.Properties).toMatchObject({
      Handler: 'dist/lambda.httpStream',
      Timeout: 60,
    })
    expect(Resources['HttpUrl']?.Properties).toMatchObject({ InvokeMode: 'RESPONSE_STREAM' })
    expect(Resources).not.toHaveProperty('HttpApi')
    expect(Parameters['HttpDoor']?.AllowedValues).toEqual(['', 'url'])
  })

  it('that are wrong are named, each with what was expected', () => {
    const wrong = { service: '7 shops', handler: '', memoryMb: 64, retention: 3 } as unknown as LineTemplateOptions
    expect(() => lineTemplate(wrong)).toThrow(
      /^The options of lineTemplate are wrong\. service: Expected 1 to 30 letters.*handler: Expected the path of a module.*memoryMb: .*128.*"retention"/,
    )
  })

  it('are the defaults of the parameters that they have', () => {
    const { Parameters } = lineTemplate({ ...options, ...given(), http: 'api', reservedConcurrency: { http: 9 } })
    expect(Object.fromEntries(Object.entries(Parameters).map(([name, { Default }]) => [name, Default]))).toEqual({
      ...{ CodeBucket: undefined, CodeKey: undefined, RestoreNumber: '0', HttpDoor: 'api' },
      ...{
        Origins: 'https://shop.example,https://*.preview.shop.example',
        WorkerConcurrency: '',
        HttpConcurrency: '9',
      },
      ...{ KmsKey: 'arn:aws:kms:eu-west-1:1:key/1', AlarmTopic: 'arn:aws:sns:eu-west-1:1:alarms' },
    })
  })

  it('limit what the stages of both APIs accept', () => {
    const { Resources } = lineTemplate({ ...options, http: 'api', throttle: { rate: 50, burst: 20 } })
    for (const stage of ['WebsocketsDeploymentStage', 'HttpApiStage'])
      expect(Resources[stage]?.Properties['DefaultRouteSettings']).toMatchObject({
        ...{ ThrottlingRateLimit: 50, ThrottlingBurstLimit: 20 },
      })
  })

  it('name a table that exists, in place of one of the stack', () => {
    const template = lineTemplate({ ...options, existingTable: restored })
    expect(template.Resources).not.toHaveProperty('Table')
    const text = JSON.stringify(template)
    expect(text).not.toMatch(/"Ref":"Table"|\["Table",|\$\{Table\}/)
    expect(template.Outputs['TableName']?.Value).toBe('shop-restored')
    const { Properties } = template.Resources['TableStreamEventSourceMappingDynamodbTable'] ?? {}
    expect(Properties?.['EventSourceArn']).toBe(restored.streamArn)
  })

  it('let the table go with the stack, if they say so', () => {
    const policies = (retainTable: boolean) => lineTemplate({ ...options, retainTable }).Resources['Table']
    expect(policies(false)).toMatchObject({ DeletionPolicy: 'Delete', UpdateReplacePolicy: 'Delete' })
    expect(policies(true)).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' })
  })

  it.each<readonly [object, string]>([
    [{ functions: 'one', httpStream: true, http: 'url' }, "httpStream: Expected functions to be 'each'"],
    [{ httpStream: true, http: 'api' }, "http: Expected 'url' with httpStream"],
    [{ httpStream: true, http: false }, 'httpStream: Expected http not to be false'],
    [
      { functions: 'one', reservedConcurrency: { worker: 1 } },
      'reservedConcurrency: Expected a function of these options',
    ],
    [{ http: false, reservedConcurrency: { http: 1 } }, 'http is none'],
    [{ reservedConcurrency: { worker: 0 } }, 'reservedConcurrency.worker: Expected at least 1'],
    [{ origins: ['shop.example'] }, 'origins.0: '],
    ...[
      'https://Shop.example',
      'https://shop.example/',
      'https://shop.example:443',
      'https://*',
      'wss://shop.example',
    ].map((origin) => [{ origins: [origin] }, 'origins.0: Expected an origin as browsers send it'] as const),
    [{ kmsKey: 'alias/mine' }, 'kmsKey: Expected an ARN of a key, not of an alias, got "alias/mine"'],
    [{ kmsKey: 'arn:aws:kms:eu-west-1:1:alias/mine' }, 'kmsKey: Expected an ARN of a key, not of an alias'],
    [{ site: { connectTo: ['https://id.example:99999'] } }, 'site.connectTo.0: Expected an address such as'],
    [{ domain, site: { domain: { ...page, name: domain.name } } }, 'Expected another host for the page'],
    [{ site: { domain: { ...page, certificateArn: domain.certificateArn } } }, 'to be in us-east-1'],
    [{ environment: { POWERTOOLS_SERVICE_NAME: 'mine' } }, 'that neither Trunkline nor AWS uses'],
    [{ environment: { Ref: 'Origins' } }, 'that neither Trunkline nor AWS uses'],
    [{ environment: { LAMBDA_TASK_ROOT: '/' } }, 'that neither Trunkline nor AWS uses'],
    [{ memoryMb: 64 }, 'got 64'],
    [
      { domain: { name: 'https://live.shop.example', certificateArn: 'arn:1' } },
      'domain.name: Expected a host such as',
    ],
    [{ domain: { name: 'live.shop.example' } }, 'domain.certificateArn: Expected a text or a reference'],
    [{ timeoutSeconds: 901 }, 'timeoutSeconds: '],
    [{ site: { folder: 'dist' } }, '"folder"'],
  ])('%j say what is wrong with them', (wrong, message) => {
    expect(() => lineTemplate({ ...options, ...(wrong as Partial<LineTemplateOptions>) })).toThrow(message)
  })

  it('accept the origins that functions accept', () => {
    const accepted = ['http://localhost:5173', 'https://*.preview.shop.example', 'capacitor://localhost', '']
    const { Parameters } = lineTemplate({ ...options, origins: accepted })
    const text = `${Parameters['Origins']?.Default}`
    expect(text.split(',')).toEqual(accepted.slice(0, 3))
  })

  it('may not set a variable that Trunkline sets', () => {
    expect(() => lineTemplate({ ...options, environment: { TRUNKLINE_TABLE: 'mine' } })).toThrow(/TRUNKLINE_TABLE/)
  })

  it('give the same template each time', () => {
    expect(lineTemplate(options)).toEqual(lineTemplate(options))
  })
})
