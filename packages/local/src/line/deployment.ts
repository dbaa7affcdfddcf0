import type { LambdaHandlers } from '@trunkline/server/lambda'
import type { Route } from '../emulators/apigateway/gateway.ts'
import type { StreamRecord } from '../emulators/dynamodb/dynamo.ts'
import type { QueueSettings } from '../emulators/lambda/event-sources/queue-mapping.ts'
import type { StreamMapping } from '../emulators/lambda/event-sources/stream-source.ts'
import type { FunctionOptions } from '../emulators/lambda/invocations/lambda-function.ts'

/** A function of a line, named by its handler. */
export type LineFunction = Exclude<keyof LambdaHandlers, 'handler' | 'httpStream'>

/** The function settings of a deployed line's template. The local line uses the same ones. */
export const functionSettings: Readonly<Record<LineFunction, Omit<FunctionOptions, 'name' | 'run'>>> = {
  authorizer: { timeoutMs: 5_000 },
  websocket: { timeoutMs: 28_000 },
  tableStream: { timeoutMs: 60_000 },
  deliver: { timeoutMs: 300_000, asyncRetries: 2, maximumEventAgeMs: 900_000 },
  worker: { timeoutMs: 900_000, asyncRetries: 1, maximumEventAgeMs: 1_080_000, background: true },
  http: { timeoutMs: 29_000 },
}

/** The function `http` behind a function URL, which streams: events go on for up to 55 s. */
export const streamedHttp = { timeoutMs: 60_000 }

export const lineFunctions = Object.keys(functionSettings) as readonly LineFunction[]

/**
 * The routes of a deployed line. Calls use two-way routes. Subscriptions use one-way routes and are answered by posts.
 * A keepalive runs no function.
 */
export const routes: readonly Route[] = [
  { key: '$connect', functionName: 'websocket' },
  { key: '$disconnect', functionName: 'websocket' },
  { key: '$default', functionName: 'websocket', twoWay: true },
  { key: 'subscription', functionName: 'websocket' },
  { key: 'subscription.stop', functionName: 'websocket' },
  { key: 'connectionParams', functionName: 'websocket' },
  { key: 'ping', mock: '{"pong":true}', twoWay: true }, // [TL-PING-1]
]

/** The function that consumes the delay queue. It runs the handler of `deliver`. */
export const delayedSettings: Omit<FunctionOptions, 'run'> & { readonly handler: LineFunction } = {
  name: 'delayed',
  handler: 'deliver',
  timeoutMs: 30_000,
}

/**
 * The queue of a deployed line that delays invocations. A received message is hidden for 6 times the consumer's
 * timeout.
 */
export const delayQueueSettings: QueueSettings = {
  name: 'delay',
  functionName: delayedSettings.name,
  batchSize: 10,
  visibilityMs: 180_000,
  maxReceiveCount: 5,
}

/**
 * The event source mapping of a deployed line. It passes new log slots and members with a pending change, in batches
 * that report partial failures.
 */
export const streamSettings: Omit<StreamMapping<StreamRecord>, 'stream' | 'functionName'> = {
  filter: (record) => isNewSlot(record) || hasPendingChange(record),
  batchSize: 100,
  maximumRetryAttempts: 5,
  maximumRecordAgeMs: 3_600_000,
  bisect: true,
  reportBatchItemFailures: true,
  parallelizationFactor: 2,
}

function isNewSlot({ eventName, dynamodb }: StreamRecord): boolean {
  return eventName === 'INSERT' && (dynamodb.Keys['pk']?.S ?? '').startsWith('LOG#')
}

function hasPendingChange({ eventName, dynamodb }: StreamRecord): boolean {
  const isWritten = eventName === 'INSERT' || eventName === 'MODIFY'
  return (
    isWritten && (dynamodb.Keys['pk']?.S ?? '').startsWith('PRES#') && dynamodb.NewImage?.['pending']?.BOOL === true
  )
}
