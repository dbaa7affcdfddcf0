// More than 200 lines: the cases share what synthesizes a stack.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LineTemplateOptions, lineTemplate, resolveParameters } from '@trunkline/deploy'
import { App, CfnOutput, type CfnResource, Stack } from 'aws-cdk-lib'
import { AttributeType, StreamViewType, Table } from 'aws-cdk-lib/aws-dynamodb'
import { Key } from 'aws-cdk-lib/aws-kms'
import { Architecture, Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { afterAll, describe, expect, it } from 'vitest'
import { cycleOf, problemsOf } from '../../deploy/src/published-schemas.suite.ts'
import { Line, type LineProps } from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'trunkline-cdk-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const entry = join(folder, 'lambda.ts')
writeFileSync(entry, 'export const websocket = async (): Promise<number> => 200\n')
mkdirSync(join(folder, 'page'))
writeFileSync(join(folder, 'page/index.html'), '<title>Shop</title>')

interface Synthesized {
  readonly Type: string
  readonly DependsOn?: readonly string[]
  readonly Properties: Readonly<Record<string, unknown>>
}
type Resources = Readonly<Record<string, Synthesized>>

const env = { region: 'eu-west-1' }

/** Synthesizes a stack, as `cdk synth` does. */
function synthesize(build: (stack: Stack) => Line) {
  const context = { '@aws-cdk/core:validateAgainstDefaultRules': true } // AWS's rules for templates are errors
  const app = new App({ outdir: mkdtempSync(join(folder, 'out-')), analyticsReporting: false, context })
  const stack = new Stack(app, 'Shop', { env })
  const line = build(stack)
  const { template } = app.synth().getStackByName('Shop')
  const resources: Resources = template.Resources
  return { line, stack, template, resources }
}

const withCode = (props: Partial<LineProps> = {}) =>
  synthesize((stack) => new Line(stack, 'Line', { service: 'shop', entry, ...props }))

const inlineFunction = (stack: Stack) =>
  new LambdaFunction(stack, 'Orders', {
    ...{ runtime: Runtime.NODEJS_24_X, architecture: Architecture.ARM_64, handler: 'orders.handler' },
    code: Code.fromInline('exports.handler = () => 1'),
  })

/** The resources of a stack that are those of a line, under their names in the template of the line. */
function ofLine({ line, stack, resources }: ReturnType<typeof synthesize>, names: readonly string[]) {
  const idOf = (name: string): string => stack.resolve((line.node.findChild(name) as CfnResource).logicalId)
  const text = names.reduce((all, name) => all.replaceAll(idOf(name), name), JSON.stringify(resources))
  const renamed = JSON.parse(text) as Resources
  return Object.fromEntries(names.map((name) => [name, renamed[name]]))
}

/** The line's own resources, without what the CDK adds and with texts in place of its joins. */
function comparable(resources: Readonly<Record<string, unknown>>): unknown {
  const normal = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(normal)
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value).filter(([name]) => !['Code', 'Metadata'].includes(name))
    return Object.fromEntries(
      entries.map(([name, each]) => [name, name === 'DependsOn' ? [...(each as string[])].sort() : normal(each)]),
    )
  }
  return normal(resources)
}

const tableArn = 'arn:aws:dynamodb:eu-west-1:111122223333:table/shop-2'
const certificateArn = 'arn:aws:acm:eu-west-1:111122223333:certificate/11111111-2222-3333-4444-555555555555'
const variants: readonly (readonly [string, Partial<LineTemplateOptions>])[] = [
  ['with all parts', {}],
  ['with a table that exists', { existingTable: { name: 'shop-2', arn: tableArn, streamArn: `${tableArn}/stream/1` } }],
  ['of one function', { functions: 'one', alarms: false, dashboard: false, http: false }],
  [
    'with streamed responses in a VPC',
    {
      ...{ httpStream: true, http: 'url', retainTable: false },
      vpc: { subnetIds: ['subnet-0a1b2c3d'], securityGroupIds: ['sg-0a1b2c3d'] },
    },
  ],
  [
    'with a domain and a page',
    {
      ...{
        domain: { name: 'live.shop.example', certificateArn, hostedZoneId: 'Z0123456789ABCDEFGHIJ' },
        site: true,
        http: 'api',
      },
      ...{
        origins: ['https://shop.example'],
        alarmTopic: 'arn:aws:sns:eu-west-1:111122223333:alarms',
        reservedConcurrency: { worker: 5 },
      },
    },
  ],
]

describe.each(variants)('a line %s', (_, options) => {
  const made = withCode(options as Partial<LineProps>)
  const { worker } = options.reservedConcurrency ?? {}
  const values = { CodeBucket: 'code', CodeKey: 'zip', ...(worker !== undefined && { WorkerConcurrency: worker }) }
  const template = resolveParameters(lineTemplate({ service: 'shop', handler: 'lambda', ...options }), values)

  it('has the resources of lineTemplate, property by property', () => {
    expect(comparable(ofLine(made, Object.keys(template.Resources)))).toEqual(comparable(template.Resources))
  })

  it('has no other resource but metadata', () => {
    expect(Object.keys(made.resources)).toHaveLength(Object.keys(template.Resources).length)
  })

  it('is valid by the schemas of AWS, and has no cycle', async () => {
    const synthesized = { ...made.template, Conditions: {}, Outputs: {}, Parameters: made.template.Parameters ?? {} }
    expect(await problemsOf(synthesized)).toEqual([])
    expect(cycleOf(synthesized)).toBeUndefined()
  })

  it('has the outputs of lineTemplate', () => {
    const names = Object.keys(made.template.Outputs).map((id) => id)
    expect(names.sort()).toEqual(Object.keys(template.Outputs).sort())
  })
})

describe('the smallest deployment', () => {
  it('is what the guide shows, and has one function without alarms', async () => {
    const document = readFileSync(new URL('../../../docs/guide/deploying.md', import.meta.url), 'utf8')
    const [, source = ''] = /```ts\n(import \{ Line \}[\s\S]*?)```/.exec(document) ?? []
    const [, properties = ''] = /new Line\(stack, 'Line', (\{[\s\S]*?\})\)/.exec(source) ?? []
    const shown = new Function(`return ${properties}`)() as LineProps
    expect(shown).toMatchObject({ entry: 'src/lambda.ts', functions: 'one', alarms: false })
    const { resources } = withCode({ ...shown, entry })
    const { entry: path, ...options } = shown
    const template = lineTemplate({ service: 'shop', handler: 'lambda', ...(options as Partial<LineTemplateOptions>) })
    const values = { CodeBucket: 'code', CodeKey: 'zip' }
    expect(Object.keys(resources).sort()).toEqual(Object.keys(resolveParameters(template, values).Resources).sort())
  })
})

describe('a line of the CDK', () => {
  it('uploads the bundle of its entry as an asset, which all functions share', () => {
    const { resources } = withCode()
    const functions = Object.values(resources).filter(({ Type }) => Type === 'AWS::Lambda::Function')
    const codes = functions.map(({ Properties }) => JSON.stringify(Properties['Code']))
    expect([functions.length, new Set(codes).size]).toEqual([7, 1])
    expect(codes[0]).toMatch(/"S3Key":"[0-9a-f]{64}\.zip"/)
    expect(functions.map(({ Properties }) => Properties['Handler'])).toContain('lambda.websocket')
  })

  it('runs code of yours in place of an entry', () => {
    const { resources } = synthesize(
      (stack) =>
        new Line(stack, 'Line', {
          service: 'shop',
          code: Code.fromAsset(folder, { exclude: ['out-*'] }),
          handler: 'dist/lambda',
        }),
    )
    expect(JSON.stringify(resources)).toContain('"Handler":"dist/lambda.websocket"')
  })

  it('may be in a stack twice, each under a name made of its path', () => {
    const { resources } = synthesize((stack) => {
      new Line(stack, 'First', { entry })
      return new Line(stack, 'Second', { entry, templateIds: false })
    })
    const names = Object.values(resources).flatMap(({ Properties }) => Properties['FunctionName'] ?? [])
    expect(names.filter((name) => typeof name === 'string' && name.endsWith('-dev-websocket'))).toHaveLength(2)
    expect(new Set(names.filter((name) => typeof name === 'string')).size).toBe(14)
  })

  it('is one with the ids of the template in a stack, so that a line that was deployed otherwise keeps its table', () => {
    expect(withCode().resources).toHaveProperty('Table')
    expect(withCode({ templateIds: false }).resources).not.toHaveProperty('Table')
    const stack = new Stack(new App(), 'Shop')
    new Line(stack, 'First', { entry })
    expect(() => new Line(stack, 'Second', { entry })).toThrow('Expected templateIds to be false for all lines')
  })

  it('takes values of other resources for its options', () => {
    const { resources } = synthesize((stack) => {
      const topic = new Topic(stack, 'Alarms')
      return new Line(stack, 'Line', { entry, alarmTopic: topic.topicArn })
    })
    const alarms = Object.values(resources).filter(({ Type }) => Type === 'AWS::CloudWatch::Alarm')
    for (const { Properties } of alarms)
      expect(Properties['AlarmActions']).toEqual([{ Ref: expect.stringMatching(/^Alarms/) }])
  })

  it('lets the roles of all functions use other resources', () => {
    const { resources } = synthesize((stack) => {
      const line = new Line(stack, 'Line', { entry })
      new Bucket(stack, 'Files').grantRead(line)
      return line
    })
    const policies = Object.values(resources).filter(({ Type }) => Type === 'AWS::IAM::Policy')
    expect(policies).toHaveLength(7)
    for (const { Properties } of policies) expect(JSON.stringify(Properties)).toContain('s3:GetObject*')
  })

  it('lets another function publish, and close connections', async () => {
    const { template, resources } = synthesize((stack) => {
      const line = new Line(stack, 'Line', { entry, functions: 'one' })
      line.grantManageConnections(inlineFunction(stack))
      return line
    })
    const [orders] = Object.entries(resources).flatMap(([id, each]) => (/^Orders\w{8}$/.test(id) ? [each] : []))
    expect(orders?.Properties['Environment']).toMatchObject({
      Variables: {
        ...{ TRUNKLINE_TABLE: { Ref: 'Table' }, TRUNKLINE_RESTORE: '0' },
        TRUNKLINE_DELIVER: expect.stringMatching(/-handler$/),
        TRUNKLINE_CALLBACK_URL: {
          'Fn::Join': ['', expect.arrayContaining(['https://', { Ref: 'WebsocketsApi' }, '/dev'])],
        },
      },
    })
    const policy = JSON.stringify(
      Object.entries(resources).find(([id]) => id.startsWith('OrdersServiceRoleDefaultPolicy')),
    )
    for (const action of ['dynamodb:PutItem', 'lambda:InvokeFunction', 'execute-api:ManageConnections'])
      expect(policy).toContain(action)
    expect(cycleOf({ ...template, Conditions: {}, Outputs: {}, Parameters: {} })).toBeUndefined()
  })

  it('gives its addresses, its variables and its rights to other stacks', async () => {
    const { template } = synthesize((stack) => {
      const line = new Line(new Stack(stack.node.scope as App, 'Home', { env }), 'Line', { entry })
      line.grantManageConnections(inlineFunction(stack))
      new CfnOutput(stack, 'Address', { value: line.webSocketUrl })
      return line
    })
    const problems = await problemsOf({ ...template, Conditions: {}, Parameters: template.Parameters ?? {} })
    expect(problems.filter((each) => each.includes('refers to'))).toEqual([])
    expect(JSON.stringify(template.Outputs['Address'])).toContain('Fn::ImportValue')
  })

  it('lets who publishes use the key of the table', () => {
    const { resources } = synthesize((stack) => {
      const line = new Line(stack, 'Line', { entry, kmsKey: new Key(stack, 'Key').keyArn })
      line.grantPublish(inlineFunction(stack))
      return line
    })
    const [, policy] = Object.entries(resources).find(([id]) => id.startsWith('OrdersServiceRoleDefaultPolicy')) ?? []
    expect(JSON.stringify(policy)).toContain('"kms:Decrypt"')
  })

  it('as a grantee changes only its roles, so that it uses a key that uses it', () => {
    const { template, resources } = synthesize((stack) => {
      const encryptionKey = new Key(stack, 'Key')
      const line = new Line(stack, 'Line', { entry, kmsKey: encryptionKey.keyArn })
      new Bucket(stack, 'Files', { encryptionKey }).grantRead(line)
      return line
    })
    expect(cycleOf({ ...template, Conditions: {}, Outputs: {}, Parameters: {} })).toBeUndefined()
    expect(Object.values(resources).map(({ Type }) => Type)).not.toContain('AWS::S3::BucketPolicy')
  })

  it('uses a table of the stack that exists', () => {
    const { resources } = synthesize((stack) => {
      const key = { name: 'pk', type: AttributeType.STRING }
      const table = new Table(stack, 'Restored', { partitionKey: key, stream: StreamViewType.NEW_AND_OLD_IMAGES })
      const existingTable = { name: table.tableName, arn: table.tableArn, streamArn: table.tableStreamArn ?? '' }
      return new Line(stack, 'Line', { entry, existingTable })
    })
    // Fn::Sub takes a text only
    expect(JSON.stringify(resources)).not.toContain('"Fn::Sub":{')
    expect(JSON.stringify(resources['Dashboard'])).toMatch(/\{"Ref":"Restored\w+"\}/)
  })

  it('copies the files of its page into the bucket', () => {
    const { resources } = withCode({ site: { folder: join(folder, 'page') } })
    const [files] = Object.values(resources).filter(({ Type }) => Type === 'Custom::CDKBucketDeployment')
    expect(files?.Properties).toMatchObject({
      DestinationBucketName: { Ref: 'SiteBucket' },
    })
  })

  it.each<[Partial<LineProps>, string]>([
    [{}, 'Expected entry alone, or code and handler together; got none of them'],
    [{ entry, handler: 'lambda' }, 'got entry and handler'],
    [{ handler: 'lambda' }, 'got handler'],
    [{ entry: join(folder, 'absent.ts') }, 'absent.ts does not exist'],
    [{ entry, memoryMb: 1 }, 'memoryMb'],
    [{ code: Code.fromInline('1'), handler: 'index' }, 'Expected code in S3'],
  ])('says what is wrong with the properties %j', (props, message) => {
    const stack = new Stack(new App(), 'Shop')
    expect(() => new Line(stack, 'Line', { service: 'shop', ...props })).toThrow(message)
  })
})
