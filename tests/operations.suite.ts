import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { internalsOf } from '@trunkline/server/internal'
import { beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { line } from '../examples/chat/src/server/channels.ts'
import { metrics as lineMetrics } from '../packages/server/src/ports/telemetry.ts'
import { repository } from './repository.ts'
import { packageTemplate, resourcesOf, type Template } from './template.ts'

const dimension = z.object({ Name: z.string(), Value: z.unknown() })
const watched = z.object({ Namespace: z.string(), MetricName: z.string(), Dimensions: z.array(dimension) })
const query = z.object({
  Id: z.string().regex(/^[a-z][a-zA-Z0-9_]*$/),
  Expression: z.string().optional(),
  ReturnData: z.boolean().default(true),
  MetricStat: z.object({ Metric: watched, Period: z.number().multipleOf(60), Stat: z.string() }).optional(),
})
/** The properties of AWS::CloudWatch::Alarm that the template uses. Others fail the test. */
const alarm = z.strictObject({
  AlarmDescription: z.string().min(1).max(1_024),
  ComparisonOperator: z.literal('GreaterThanOrEqualToThreshold'),
  EvaluationPeriods: z.int().min(1),
  Threshold: z.number(),
  TreatMissingData: z.enum(['notBreaching', 'breaching', 'ignore', 'missing']),
  AlarmActions: z.unknown(),
  OKActions: z.unknown(),
  Namespace: z.string().optional(),
  MetricName: z.string().optional(),
  Dimensions: z.array(dimension).max(30).optional(),
  Period: z.number().multipleOf(60).optional(),
  Statistic: z.enum(['SampleCount', 'Average', 'Sum', 'Minimum', 'Maximum']).optional(),
  ExtendedStatistic: z
    .string()
    .regex(/^p\d{1,2}$/)
    .optional(),
  Metrics: z.array(query).max(20).optional(),
})

/** The metrics that AWS publishes, with the dimensions of each. */
const published: Readonly<Record<string, readonly string[]>> = {
  'AWS/Lambda Errors': ['FunctionName'],
  'AWS/Lambda Throttles': ['FunctionName'],
  'AWS/Lambda Duration': ['FunctionName'],
  'AWS/Lambda ConcurrentExecutions': ['FunctionName'],
  'AWS/Lambda IteratorAge': ['FunctionName'],
  'AWS/Lambda DestinationDeliveryFailures': ['FunctionName'],
  ...Object.fromEntries(
    ['AgeOfOldestMessage', 'NumberOfMessagesVisible', 'NumberOfMessagesNotVisible', 'NumberOfMessagesDelayed'].map(
      (name) => [`AWS/SQS Approximate${name}`, ['QueueName']],
    ),
  ),
  ...Object.fromEntries(
    ['ConnectCount', 'MessageCount', 'IntegrationError', 'ClientError', 'ExecutionError'].map((name) => [
      `AWS/ApiGateway ${name}`,
      ['ApiId', 'Stage'],
    ]),
  ),
  'AWS/DynamoDB ReadThrottleEvents': ['TableName'],
  'AWS/DynamoDB WriteThrottleEvents': ['TableName'],
  'AWS/DynamoDB ConsumedReadCapacityUnits': ['TableName'],
  'AWS/DynamoDB ConsumedWriteCapacityUnits': ['TableName'],
  'AWS/DynamoDB SystemErrors': ['TableName', 'Operation'],
  ...Object.fromEntries(Object.keys(lineMetrics).map((name) => [`Trunkline ${name}`, ['service']])),
}

let template: Template
beforeAll(async () => {
  template = await packageTemplate()
}, 120_000)

const alarms = () =>
  [...resourcesOf(template, 'AWS::CloudWatch::Alarm')].map(([id, { Properties }]) => ({
    id,
    ...alarm.parse(Properties),
  }))

/** The metrics of an alarm. */
function metricsOf(each: ReturnType<typeof alarms>[number]) {
  if (each.Metrics === undefined) return [watched.parse(each)]
  return each.Metrics.flatMap(({ MetricStat }) => (MetricStat === undefined ? [] : [MetricStat.Metric]))
}

/** The sections of docs/guide/operations.md that are about one alarm. */
function sections(): ReadonlyMap<string, string> {
  const document = readFileSync(join(repository, 'docs/guide/operations.md'), 'utf8')
  const found = [...document.matchAll(/^### `(\w+Alarm)`\n([\s\S]*?)(?=^#|(?![\s\S]))/gm)]
  return new Map(found.map(([, id = '', text = '']) => [id, text]))
}

describe('alarms', () => {
  it('watch metrics that exist, by the dimensions that they are published with', () => {
    for (const each of alarms())
      for (const { Namespace, MetricName, Dimensions } of metricsOf(each))
        expect([each.id, Dimensions.map(({ Name }) => Name)]).toEqual([
          each.id,
          published[`${Namespace} ${MetricName}`],
        ])
  })

  it('name functions, a table, a queue and an API of this template', () => {
    const functions = [...resourcesOf(template, 'AWS::Lambda::Function').values()].map(
      (one) => one.Properties['FunctionName'],
    )
    const queues = [...resourcesOf(template, 'AWS::SQS::Queue').keys()]
    const own = [
      { Ref: 'Table' },
      { Ref: 'WebsocketsApi' },
      ...queues.map((queue) => ({ 'Fn::GetAtt': [queue, 'QueueName'] })),
    ]
    const settings = z.object({ Variables: z.record(z.string(), z.unknown()) })
    const { Variables } = settings.parse(template.Resources['WebsocketLambdaFunction']?.Properties['Environment'])
    const known: Readonly<Record<string, readonly unknown[]>> = {
      FunctionName: functions,
      TableName: own,
      ApiId: own,
      QueueName: own,
      Stage: ['dev'],
      service: [Variables['POWERTOOLS_SERVICE_NAME']],
    }
    for (const { Name, Value } of alarms().flatMap((each) => metricsOf(each).flatMap(({ Dimensions }) => Dimensions)))
      if (Name !== 'Operation') expect(known[Name]).toContainEqual(Value)
    expect(Variables['POWERTOOLS_METRICS_NAMESPACE']).toBe('Trunkline')
  })

  it('have one for the errors of each function', () => {
    const watchedErrors = alarms().flatMap((each) =>
      each.MetricName === 'Errors' ? (each.Dimensions ?? []).map(({ Value }) => Value) : [],
    )
    const functions = [...resourcesOf(template, 'AWS::Lambda::Function').values()].map(
      (one) => one.Properties['FunctionName'],
    )
    expect(watchedErrors.sort()).toEqual(functions.sort())
  })

  it('watch the failed destinations of each function that has one, and of no other', () => {
    const failed = alarms().flatMap((each) =>
      metricsOf(each).flatMap(({ MetricName, Dimensions }) =>
        MetricName === 'DestinationDeliveryFailures' ? Dimensions.map(({ Value }) => Value) : [],
      ),
    )
    const reference = z.union([
      z.object({ Ref: z.string() }).transform(({ Ref }) => Ref),
      z.object({ 'Fn::GetAtt': z.tuple([z.string(), z.literal('Arn')]) }).transform((get) => get['Fn::GetAtt'][0]),
    ])
    const settings = ['AWS::Lambda::EventInvokeConfig', 'AWS::Lambda::EventSourceMapping'].flatMap((type) => [
      ...resourcesOf(template, type).values(),
    ])
    const withDestination = settings.flatMap(({ Properties: { DestinationConfig, FunctionName } }) =>
      DestinationConfig === undefined ? [] : [reference.parse(FunctionName)],
    )
    const names = withDestination.map((id) => template.Resources[id]?.Properties['FunctionName'])
    expect(failed.length).toBeGreaterThan(1)
    expect(failed.sort()).toEqual(names.sort())
  })

  it('have one for each queue: for the age of its messages, or for any message in an on-failure queue', () => {
    const redrive = z.object({
      deadLetterTargetArn: z.object({ 'Fn::GetAtt': z.tuple([z.string(), z.literal('Arn')]) }),
    })
    const queues = [...resourcesOf(template, 'AWS::SQS::Queue')].map(([id, { Properties }]) => ({
      id,
      deadLetters: redrive.optional().parse(Properties['RedrivePolicy'])?.deadLetterTargetArn['Fn::GetAtt'][0],
    }))
    const graves = new Set(queues.flatMap(({ deadLetters }) => deadLetters ?? []))
    const expected = queues.map(({ id }) => [
      id,
      graves.has(id) ? 'ApproximateNumberOfMessagesVisible' : 'ApproximateAgeOfOldestMessage',
    ])
    const name = z.object({ 'Fn::GetAtt': z.tuple([z.string(), z.literal('QueueName')]) })
    const found = alarms().flatMap(({ MetricName, Dimensions = [] }) =>
      Dimensions.flatMap(({ Name, Value }) =>
        Name === 'QueueName' ? [[name.parse(Value)['Fn::GetAtt'][0], MetricName]] : [],
      ),
    )
    expect(found.sort()).toEqual(expected.sort())
    for (const { id, deadLetters } of queues) expect([id, deadLetters !== undefined]).toEqual([id, !graves.has(id)])
  })

  it('wait longer for the queue of presence checks than the longest grace period of the deployed channels', () => {
    const { Threshold } = alarms().find(({ id }) => id === 'LaterAgeAlarm') ?? { Threshold: Number.NaN }
    const graces = internalsOf(line)
      .channels()
      .flatMap(({ presence }) => (presence === undefined ? [] : [presence.graceMs / 1_000]))
    expect(graces.length).toBeGreaterThan(0)
    expect(Threshold).toBeGreaterThan(2 * Math.max(...graces))
  })

  it('of expressions return one series', () => {
    for (const { id, Metrics } of alarms())
      if (Metrics !== undefined) expect([id, Metrics.filter(({ ReturnData }) => ReturnData).length]).toEqual([id, 1])
  })

  it('fire before deliver reaches its timeout', () => {
    const timeout = template.Resources['DeliverLambdaFunction']?.Properties['Timeout']
    const { Threshold } = alarms().find(({ id }) => id === 'DeliverDurationAlarm') ?? { Threshold: Number.NaN }
    expect(Threshold).toBe(Number(timeout) * 1_000 * 0.8)
  })

  it('notify the topic in AlarmTopic, if one is given', () => {
    const actions = { 'Fn::If': ['HasAlarmTopic', [{ Ref: 'AlarmTopic' }], { Ref: 'AWS::NoValue' }] }
    for (const { AlarmActions, OKActions } of alarms()) expect([AlarmActions, OKActions]).toEqual([actions, actions])
    expect(template.Parameters?.['AlarmTopic']).toEqual({
      Type: 'String',
      Default: '',
      Description: expect.any(String),
    })
    expect(template.Conditions).toHaveProperty('HasAlarmTopic')
  })

  it('each have a section of docs/guide/operations.md, and each section has an alarm', () => {
    const ids = alarms().map(({ id }) => id)
    expect(ids.length).toBeGreaterThan(10)
    expect([...sections().keys()].sort()).toEqual(ids.sort())
  })

  it('each have a section with its meaning, what to look at and what to do', () => {
    for (const [id, text] of sections())
      for (const word of ['**Means**', '**Look at**', '**Do**'])
        expect([id, word, text.includes(word)]).toEqual([id, word, true])
  })
})

describe('the dashboard', () => {
  const body = z.object({ 'Fn::Sub': z.string() })
  const widgets = () => {
    const { 'Fn::Sub': text } = body.parse(template.Resources['Dashboard']?.Properties['DashboardBody'])
    const shape = z.object({
      widgets: z.array(
        z.object({
          x: z.int(),
          y: z.int(),
          width: z.int(),
          height: z.int(),
          properties: z.object({ metrics: z.array(z.array(z.unknown())) }),
        }),
      ),
    })
    return shape.parse(JSON.parse(text)).widgets
  }

  it('shows metrics that exist, by the dimensions that they are published with', () => {
    for (const series of widgets().flatMap(({ properties }) => properties.metrics)) {
      const names = series.filter((part) => typeof part === 'string')
      if (names.length === 0) continue // a SEARCH
      const dimensions = names.slice(2).filter((_, index) => index % 2 === 0)
      expect([names[1], dimensions]).toEqual([names[1], published[`${names[0]} ${names[1]}`]])
    }
  })

  it('shows every metric of Trunkline, each widget at its own position', () => {
    const text = JSON.stringify(widgets())
    for (const name of Object.keys(lineMetrics)) if (name !== 'failedCalls') expect(text).toContain(name)
    const places = widgets().map(({ x, y }) => `${x} ${y}`)
    expect(new Set(places).size).toBe(places.length)
  })
})

describe('the table of metrics in docs/guide/operations.md', () => {
  it('names every metric of Trunkline, and no other', () => {
    const document = readFileSync(join(repository, 'docs/guide/operations.md'), 'utf8')
    const rows = [...document.matchAll(/^\| ((?:`\w+` ?)+)\| /gm)].flatMap(
      ([, names = '']) => names.match(/\w+/g) ?? [],
    )
    expect(rows.sort()).toEqual(Object.keys(lineMetrics).sort())
  })
})

describe('logs', () => {
  it('are kept for 14 days, for every function', () => {
    const groups = [...resourcesOf(template, 'AWS::Logs::LogGroup').values()]
    expect(groups.map(({ Properties }) => Properties['RetentionInDays'])).toEqual(Array(7).fill(14))
  })
})
