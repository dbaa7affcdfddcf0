import { dynamo, lambda, request } from './aws.ts'
import type { CheckContext } from './check.ts'
import type { DeployedNames } from './expected-line.ts'
import type { DoctorTarget } from './target.ts'

/** Keeps the result of a read for all checks of a run. A read that failed is repeated. */
function once<T>(read: (context: CheckContext, name: string) => Promise<T>) {
  const kept = new WeakMap<DoctorTarget, Map<string, Promise<T>>>()
  return (context: CheckContext, name = ''): Promise<T> => {
    const reads = kept.get(context.target) ?? new Map<string, Promise<T>>()
    kept.set(context.target, reads)
    const reading = reads.get(name) ?? read(context, name)
    reads.set(name, reading)
    reading.catch(() => reads.delete(name))
    return reading
  }
}

/** The description of the table. */
export const describeTable = once(async (context: CheckContext) => {
  const { sdk, client } = await dynamo(context)
  const command = new sdk.DescribeTableCommand({ TableName: context.target.table })
  const { Table } = await request('dynamodb:DescribeTable', () => client.send(command))
  return Table ?? {}
})

/** The configuration of a deployed function, by its deployed name. */
export const describeFunction = once(async (context: CheckContext, name: string) => {
  const { sdk, client } = await lambda(context)
  const command = new sdk.GetFunctionConfigurationCommand({ FunctionName: name })
  return request('lambda:GetFunctionConfiguration', () => client.send(command))
})

/** The WebSocket API and its stage, from the stack or from an address. Undefined when neither says it. */
export function apiOf({ resources, callbackUrl, webSocketUrl }: DoctorTarget) {
  const [, host, path] = /^\w+:\/\/([^./]+)\.execute-api\.[^/]+\/([^/?]+)/.exec(callbackUrl ?? webSocketUrl ?? '') ?? []
  const id = resources['WebsocketsApi']?.id ?? host
  const stage = resources['WebsocketsDeploymentStage']?.id ?? path
  return id === undefined || stage === undefined ? undefined : { id, stage }
}

/**
 * Whether the names of the functions were guessed from one of them, because no stack was named. The line may have fewer.
 */
export function isGuessed({ resources }: Pick<DoctorTarget, 'resources'>): boolean {
  return Object.keys(resources).length === 0
}

/** The ARNs of the line's resources. Rejects with an `Error` that names what is not known of the line. */
export async function deployedNames(context: CheckContext): Promise<DeployedNames> {
  const { target } = context
  const { TableArn: tableArn = '', LatestStreamArn: streamArn = '' } = await describeTable(context)
  const [, partition = '', , region = '', account = ''] = tableArn.split(':')
  const api = apiOf(target)
  if (api === undefined) throw new Error('Expected the id of the WebSocket API, got none. Name the stage or the stack.')
  const queueArn = (url = '') => `arn:${partition}:sqs:${region}:${account}:${url.slice(url.lastIndexOf('/') + 1)}`
  return {
    ...{ partition, region, account, tableArn, streamArn },
    ...{ apiId: api.id, stage: api.stage, functions: target.functions },
    delayQueueArn: queueArn(target.queues.delay),
    failuresQueueArn: queueArn(target.queues.failures),
  }
}
