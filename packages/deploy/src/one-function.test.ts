import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { type LineTemplateOptions, lineTemplate } from './index.ts'
import type { Resource } from './template/template.ts'

const options = { service: 'shop', stage: 'prod', handler: 'lambda' } as const
const one = (more: Partial<LineTemplateOptions> = {}) => lineTemplate({ ...options, functions: 'one', ...more })
const statement = z.object({ Action: z.unknown(), Resource: z.unknown() })
const policies = z.array(z.object({ PolicyDocument: z.object({ Statement: z.array(statement) }) }))

/** The rights of a role as texts, one for each action and resource. */
function rightsOf(role: Resource | undefined): readonly string[] {
  const all = policies.parse(role?.Properties['Policies']).flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
  return all.flatMap(({ Action, Resource }) =>
    [Action].flat().map((action) => `${action} on ${JSON.stringify(Resource)}`),
  )
}

const properties = (template: ReturnType<typeof one>, id: string) => template.Resources[id]?.Properties

describe('a line of one function', () => {
  it('has the table, the queues, the API and a single function with a role and a log group', () => {
    const types = Object.values(one({ alarms: false, dashboard: false, http: false }).Resources).map(({ Type }) => Type)
    const count = (type: string) => types.filter((each) => each === type).length
    expect(
      ['AWS::Lambda::Function', 'AWS::IAM::Role', 'AWS::Logs::LogGroup', 'AWS::DynamoDB::Table'].map(count),
    ).toEqual([...[1, 1, 1, 1]])
    expect(count('AWS::SQS::Queue')).toBe(2)
  })

  it('runs the export `handler`, and invokes itself where other lines invoke deliver and worker', () => {
    expect(properties(one(), 'HandlerLambdaFunction')).toMatchObject({
      Handler: 'lambda.handler',
      FunctionName: 'shop-prod-handler',
      RecursiveLoop: 'Allow',
      Environment: { Variables: { TRUNKLINE_DELIVER: 'shop-prod-handler', TRUNKLINE_WORKER: 'shop-prod-handler' } },
    })
  })

  it('may do what the functions of another line may do together, and nothing else', () => {
    const { Resources } = lineTemplate(options)
    const ofEach = Object.entries(Resources).flatMap(([id, each]) => (/Role$/.test(id) ? rightsOf(each) : []))
    const asOne = ofEach.map((right) =>
      right.replace(/\w+LogGroup/, 'HandlerLogGroup').replace(/shop-prod-(deliver|worker)/, 'shop-prod-handler'),
    )
    expect([...new Set(rightsOf(one().Resources['HandlerRole']))].sort()).toEqual([...new Set(asOne)].sort())
  })

  it.each([30, 60, 900])('hides a delayed message six times as long as its timeout of %i s', (timeoutSeconds) => {
    const template = one({ timeoutSeconds })
    expect(properties(template, 'HandlerLambdaFunction')?.['Timeout']).toBe(timeoutSeconds)
    const { VisibilityTimeout, MessageRetentionPeriod } = properties(template, 'Later') ?? {}
    expect(VisibilityTimeout).toBe(6 * timeoutSeconds)
    expect(MessageRetentionPeriod).toBeGreaterThan(900 + 5 * Number(VisibilityTimeout))
    const { MaximumEventAgeInSeconds } = properties(template, 'HandlerLambdaEvConf') ?? {}
    expect(MaximumEventAgeInSeconds).toBeGreaterThanOrEqual(2 * timeoutSeconds + 180)
  })

  it('reserves concurrency for its function', () => {
    const template = one({ reservedConcurrency: { handler: 20 } })
    expect(properties(template, 'HandlerLambdaFunction')).toMatchObject({ ReservedConcurrentExecutions: 20 })
    expect(Object.keys(template.Parameters)).not.toContain('WorkerConcurrency')
  })

  it.each([
    [undefined, 10],
    [20, 10],
    [5, 5],
    [1, 2],
  ])('with %s reserved executions polls its queue with %i at most, so that SQS is not throttled', (handler, most) => {
    const template = one(handler === undefined ? {} : { reservedConcurrency: { handler } })
    expect(properties(template, 'DelayedEventSourceMappingSQSLater')?.['ScalingConfig']).toEqual({
      MaximumConcurrency: most,
    })
  })
})
