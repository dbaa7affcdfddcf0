import { type OperationCount, type OperationName, operationCounts } from './counts.ts'
import { type PriceName, usdOf } from './prices.ts'
import { assumptions, type Workload } from './workload.ts'

/** The billed items of a line. */
export const lineItems = [
  'messages',
  'connectionMinutes',
  'httpRequests',
  'requests',
  'gbSeconds',
  'readUnits',
  'writeUnits',
  'queueRequests',
] as const satisfies readonly PriceName[]
export type LineItem = (typeof lineItems)[number]

/** The amount of each item. */
export type LineUse = Readonly<Record<LineItem, number>>

const queueRequestsPerMessage = 3 // send, receive, delete

/** The audiences whose publish was counted. */
const counted: readonly (readonly [number, OperationName])[] = [
  [0, 'publish0'],
  [1, 'publish1'],
  [2, 'publish2'],
  [10, 'publish10'],
  [100, 'publish100'],
  [110, 'publish110'],
  [10_000, 'publish10000'],
]

/** What a publish to `audience` subscribers uses: counted, or on the straight line between two counted audiences. */
export function publishCount(audience: number): OperationCount {
  const upper = counted.findIndex(([size]) => size >= audience)
  const [above, below] = upper < 0 ? [counted.length - 1, 5] : [upper, Math.max(0, upper - 1)]
  const [toSize, to] = counted[above] ?? [0, 'publish0']
  const [fromSize, from] = counted[below] ?? [0, 'publish0']
  const share = toSize === fromSize ? 1 : (audience - fromSize) / (toSize - fromSize)
  return combine([
    [operationCounts[to], share],
    [operationCounts[from], 1 - share],
  ])
}

/** The sum of operations, each so many times. */
function combine(parts: readonly (readonly [OperationCount, number])[]): OperationCount {
  const names = Object.keys(operationCounts.call) as (keyof OperationCount)[]
  const sum = (name: keyof OperationCount) => parts.reduce((total, [count, times]) => total + count[name] * times, 0)
  return Object.fromEntries(names.map((name) => [name, sum(name)])) as unknown as OperationCount
}

/** What a line uses for a workload. */
export function lineUse(work: Workload): LineUse {
  const { answerBatches, answerSeconds, keepaliveMinutes, handoverMinutes } = assumptions
  const of = (name: OperationName) => operationCounts[name]
  const keepalives = work.connectionMinutes / keepaliveMinutes
  const sockets = Math.max(work.connects, work.connectionMinutes / handoverMinutes)
  const total = combine([
    [of('call'), work.calls],
    [publishCount(work.audience), work.events],
    [of('connect'), sockets],
    [of('hello'), sockets],
    [of('subscribe'), sockets],
    [of('disconnect'), sockets],
    ...presenceOf(work, keepalives),
    [of('keepalive'), work.presence ? 0 : keepalives],
    [of('streamStart'), work.answers],
    [of('streamChunk'), work.answers * answerBatches],
    [of('httpPoll'), work.polls],
  ])
  return toUse(total, { connectionMinutes: work.connectionMinutes, answerMs: work.answers * answerSeconds * 1_000 })
}

/** A session joins once and leaves once. A new socket of a session takes its place over. */
function presenceOf(work: Workload, keepalives: number): readonly (readonly [OperationCount, number])[] {
  if (!work.presence) return []
  const [join, leave] = [operationCounts.presenceJoin, operationCounts.presenceLeave]
  return [
    [join, work.connects],
    [leave, work.connects],
    [operationCounts.presenceRenewal, keepalives],
  ]
}

/** The billed items of counted operations. */
function toUse(
  { messagesIn, messagesOut, httpRequests, functions, ms, posts, readUnits, writeUnits, queued }: OperationCount,
  { connectionMinutes, answerMs }: { readonly connectionMinutes: number; readonly answerMs: number },
): LineUse {
  const { functionGb, runMs, postMs } = assumptions
  const functionMs = ms + functions * runMs + posts * postMs + answerMs
  return {
    ...{ messages: messagesIn + messagesOut, connectionMinutes, httpRequests, requests: functions },
    ...{ gbSeconds: (functionMs / 1_000) * functionGb, readUnits, writeUnits },
    queueRequests: queued * queueRequestsPerMessage,
  }
}

/** The dollars of what a line uses. */
export function lineUsd(use: LineUse): number {
  return lineItems.reduce((sum, item) => sum + usdOf(item, use[item]), 0)
}
