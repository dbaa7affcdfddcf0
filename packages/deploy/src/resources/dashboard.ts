import { sub } from '../template/intrinsics.ts'
import { lineName } from '../template/names.ts'
import type { Settings } from '../template/options.ts'
import type { Resources } from '../template/template.ts'
import { type Metric, ofAllFunctions, ofFunction, ofGateway, ofLine, ofQueue, ofTable } from './metrics.ts'

/** A graph: metrics, each with its own options, or a search. */
interface Graph {
  readonly title: string
  /** @default 'Sum' */
  readonly stat?: string
  readonly rows: readonly (readonly unknown[])[]
}

const [columns, width, height] = [3, 8, 6] // CloudWatch's grid has 24 columns

/** One dashboard with the graphs of the operations guide. */
export function dashboard(settings: Settings): Resources {
  const widgets = graphs(settings).map(({ title, stat = 'Sum', rows }, index) => ({
    type: 'metric',
    x: (index % columns) * width,
    y: Math.floor(index / columns) * height,
    width,
    height,
    properties: { title, region: `\${AWS::Region}`, stat, period: 300, metrics: rows },
  }))
  return {
    Dashboard: {
      Type: 'AWS::CloudWatch::Dashboard',
      Properties: { DashboardName: lineName(settings), DashboardBody: sub(JSON.stringify({ widgets })) },
    },
  }
}

function graphs(settings: Settings): readonly Graph[] {
  const line = (...names: readonly string[]) => names.map((name) => toRow(ofLine(settings, name)))
  const functions = (name: string) => ofAllFunctions(settings, name).map((metric) => toRow(metric))
  const percentiles = ['p50', 'p90', 'p99'].map((stat) =>
    toRow(ofLine(settings, 'timeToDeliver'), { stat, label: `timeToDeliver ${stat}` }),
  )
  return [
    { title: 'Connections and presence', rows: line('connects', 'disconnects', 'refused', 'joins', 'leaves') },
    { title: 'Frames', rows: line('frames', 'publishes', 'posts') },
    { title: 'Time to deliver, ms', rows: percentiles },
    { title: 'Calls by path and outcome', rows: search(settings, 'service,path,outcome', 'calls', 'Sum') },
    { title: 'Time of calls, p90, ms', rows: search(settings, 'service,path,outcome', 'callMs', 'p90') },
    { title: 'Deliveries', rows: line('deliveries', 'gone', 'left') },
    {
      title: 'Posts in trouble',
      rows: line('throttled', 'retried', 'failedPosts', 'scheduledRetries', 'redriven', 'failedDeliveries'),
    },
    { title: 'Errors of functions', rows: functions('Errors') },
    { title: 'Time of functions, p90, ms', stat: 'p90', rows: functions('Duration') },
    { title: 'Concurrency', stat: 'Maximum', rows: functions('ConcurrentExecutions') },
    {
      title: 'Stream, ms behind',
      stat: 'Maximum',
      rows: [toRow(ofFunction(settings, 'tableStream', 'IteratorAge'))],
    },
    {
      title: 'Queue of what failed',
      stat: 'Maximum',
      rows: [toRow(ofQueue('DeadLetters', 'ApproximateNumberOfMessagesVisible'))],
    },
    {
      title: 'Gateway',
      rows: ['ConnectCount', 'MessageCount', 'IntegrationError', 'ClientError', 'ExecutionError'].map((name) =>
        toRow(ofGateway(settings, name)),
      ),
    },
    {
      title: 'Table, units',
      rows: [toRow(ofTable('ConsumedReadCapacityUnits')), toRow(ofTable('ConsumedWriteCapacityUnits'))],
    },
    { title: 'Table, refused', rows: [toRow(ofTable('ReadThrottleEvents')), toRow(ofTable('WriteThrottleEvents'))] },
    { title: 'Frames refused, by outcome', rows: search(settings, 'service,outcome', 'refusedFrames', 'Sum') },
    {
      title: 'Queue of delayed work, s old',
      stat: 'Maximum',
      rows: [toRow(ofQueue('Later', 'ApproximateAgeOfOldestMessage'))],
    },
    {
      title: 'Queue of delayed work',
      stat: 'Maximum',
      rows: ['Delayed', 'Visible', 'NotVisible'].map((state) =>
        toRow(ofQueue('Later', `ApproximateNumberOfMessages${state}`)),
      ),
    },
  ]
}

/** A metric as the dashboard writes it: intrinsic functions become `${…}`, since the body is a text. */
function toRow({ namespace, name, dimensions }: Metric, options?: object): readonly unknown[] {
  const pairs = Object.entries(dimensions).flatMap(([key, value]) => [key, toText(value)])
  return [namespace, name, ...pairs, ...(options === undefined ? [] : [options])]
}

function toText(value: unknown): string {
  if (typeof value === 'string') return value
  const { Ref, 'Fn::GetAtt': path } = value as { readonly Ref?: string; readonly 'Fn::GetAtt'?: readonly string[] }
  return `\${${Ref ?? path?.join('.')}}`
}

/** All metrics of this name, whatever the values of their dimensions. */
function search(settings: Settings, dimensions: string, name: string, stat: string) {
  const query = `{Trunkline,${dimensions}} MetricName="${name}" service="${lineName(settings)}"`
  return [[{ expression: `SEARCH('${query}', '${stat}', 300)`, id: 'e1' }]]
}
