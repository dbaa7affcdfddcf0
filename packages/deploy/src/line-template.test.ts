import { describe, expect, it } from 'vitest'
import { type LineTemplateOptions, lineTemplate } from './index.ts'
import { cycleOf, problemsOf } from './published-schemas.suite.ts'

const options = { service: 'shop', stage: 'prod', handler: 'dist/lambda' }

const variants: readonly (readonly [string, Partial<LineTemplateOptions>])[] = [
  ['with all parts', {}],
  ['without an authorizer', { authorizer: false }],
  ['without HTTP, alarms and a dashboard', { http: false, alarms: false, dashboard: false }],
  ['with streamed responses', { httpStream: true }],
  ['in a VPC', { vpc: { subnetIds: ['subnet-1'], securityGroupIds: ['sg-1'] } }],
]

describe.each(variants)('the template %s', (_, variant) => {
  const template = lineTemplate({ ...options, ...variant })

  it('has only properties, types and attributes that AWS publishes', async () => {
    expect(await problemsOf(template)).toEqual([])
  })

  it('has no cycle between its resources', () => {
    expect(cycleOf(template)).toBeUndefined()
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
    const { Resources } = lineTemplate({ ...options, memoryMb: 1_024, environment: { STRIPE: 'live' } })
    const functions = Object.values(Resources).filter(({ Type }) => Type === 'AWS::Lambda::Function')
    expect(functions).toHaveLength(7)
    for (const { Properties } of functions)
      expect(Properties).toMatchObject({ MemorySize: 1_024, Environment: { Variables: { STRIPE: 'live' } } })
  })

  it('point every function to one handler when the module exports only that', () => {
    const { Resources } = lineTemplate({ ...options, oneHandler: true })
    const functions = Object.values(Resources).filter(({ Type }) => Type === 'AWS::Lambda::Function')
    expect(new Set(functions.map(({ Properties }) => Properties['Handler']))).toEqual(new Set(['dist/lambda.handler']))
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

  it('may not set a variable that Trunkline sets', () => {
    expect(() => lineTemplate({ ...options, environment: { TRUNKLINE_TABLE: 'mine' } })).toThrow(/TRUNKLINE_TABLE/)
  })

  it('give the same template each time', () => {
    expect(lineTemplate(options)).toEqual(lineTemplate(options))
  })
})
