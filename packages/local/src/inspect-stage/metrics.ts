import type { CostView } from '../inspector/data-source.ts'
import { metered, toCost } from '../inspector/local/prices.ts'
import { request, type StageReader } from './read-only.ts'

const hourMs = 3_600_000

interface Query {
  readonly item: 'messages' | 'requests' | 'readUnits' | 'writeUnits'
  readonly namespace: string
  readonly name: string
  readonly dimensions: Readonly<Record<string, string>>
}

/**
 * What the line used in the last hour and what it cost, from CloudWatch's metrics: messages of the gateway, runs of
 * functions, units of the table. Minutes of connections and the time of functions are not among them. Costs about
 * $0.0001.
 */
export async function readUsage({ stage }: StageReader, now: number): Promise<CostView> {
  const sdk = await import('./sdk.ts')
  const client = new sdk.CloudWatchClient({ ...stage.clientConfig('CLOUDWATCH'), maxAttempts: 3 })
  const queries = queriesOf(stage)
  const command = new sdk.GetMetricDataCommand({
    StartTime: new Date(now - hourMs),
    EndTime: new Date(now),
    MetricDataQueries: queries.map(({ namespace, name, dimensions }, index) => ({
      Id: `q${index}`,
      MetricStat: {
        Metric: {
          Namespace: namespace,
          MetricName: name,
          Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
        },
        Period: 300,
        Stat: 'Sum',
      },
    })),
  })
  const { MetricDataResults = [] } = await request('cloudwatch:GetMetricData', () => client.send(command))
  client.destroy()
  const used = { messages: 0, connectionMinutes: 0, requests: 0, gbSeconds: 0, readUnits: 0, writeUnits: 0 }
  for (const [index, { item }] of queries.entries())
    for (const value of MetricDataResults.find(({ Id }) => Id === `q${index}`)?.Values ?? []) used[item] += value
  const { lines, ...cost } = toCost(used, used)
  const known = new Set<string>(queries.map(({ item }) => item))
  return { ...cost, span: 'last-hour', lines: lines.filter((_, index) => known.has(metered[index] ?? '')) } // in the order of `metered`
}

function queriesOf({ functions, table, resources }: StageReader['stage']): readonly Query[] {
  const api = resources['WebsocketsApi']?.id
  const ofTable = (name: string) => ({ namespace: 'AWS/DynamoDB', name, dimensions: { TableName: table } })
  const gateway: readonly Query[] =
    api === undefined
      ? []
      : [{ item: 'messages', namespace: 'AWS/ApiGateway', name: 'MessageCount', dimensions: { ApiId: api } }]
  return [
    ...gateway,
    ...Object.values(functions).map(
      (FunctionName): Query => ({
        item: 'requests',
        namespace: 'AWS/Lambda',
        name: 'Invocations',
        dimensions: { FunctionName },
      }),
    ),
    { item: 'readUnits', ...ofTable('ConsumedReadCapacityUnits') },
    { item: 'writeUnits', ...ofTable('ConsumedWriteCapacityUnits') },
  ]
}
