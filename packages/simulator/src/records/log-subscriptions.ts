import { defined } from '@trunkline/protocol'
import type { FaultPlan } from '../kernel/fault-plan.ts'
import { HandlerFailure } from '../kernel/handler-failure.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { Report } from '../kernel/report.ts'
import { partedRoom } from './application.ts'
import type { Entry, History, SubscriptionPath, SubscriptionRecord } from './history.ts'
import type { PublishedLog } from './published-log.ts'
import { lengthOf } from './room-length.ts'

/** The actions of a device on a room's log. */
export interface LogActions {
  subscribe(path: SubscriptionPath, room: string): SubscriptionRecord
  stop(record: SubscriptionRecord): void
}

/** Creates the subscriptions of a device's application to the logs of rooms. */
export function createLogSubscriptions(options: {
  readonly name: string
  readonly plan: FaultPlan
  readonly kernel: Kernel
  readonly history: History
  readonly published: PublishedLog
  readonly report: Report
  readonly client: LogClient
  /** The client for the room with partitions. @default `client` */
  readonly merging?: LogClient
  /** True for tRPC's own client, which has no gaps and does not catch a handler's exception. */
  readonly isStock: boolean
  readonly codeOf: (error: Error) => string
  readonly isClosed: () => boolean
}): LogActions {
  const {
    name,
    plan,
    kernel,
    history,
    published,
    report,
    client,
    merging = client,
    isStock,
    codeOf,
    isClosed,
  } = options
  const stops = new Map<SubscriptionRecord, () => void>()

  function subscribe(path: SubscriptionPath, room: string): SubscriptionRecord {
    const record: SubscriptionRecord = { device: name, path, room, isStock, entries: [], ended: undefined }
    const seen = () => lengthOf(published, room)
    const recordEntry = (entry: Entry) => {
      kernel.note(`${name} ${path} ${room} ${entry.kind} ${'id' in entry ? entry.id : ''}`)
      if (record.ended !== undefined)
        report.break('H12', `${name} ${path} ${room} received ${entry.kind} after its end`)
      record.entries.push(entry)
    }
    const onEnd = () => {
      record.ended ??= isClosed() ? 'closed' : 'stopped'
    }
    history.subscriptions.push(record)
    const subscription = (room === partedRoom ? merging : client)[path].subscribe(
      { room },
      {
        onStarted: () => recordEntry({ kind: 'started', seen: seen() }),
        onData: ({ id, data: { n, state } }) => {
          recordEntry({ kind: 'data', seen: seen(), id, ...defined({ n, state }) })
          if (!isStock && plan.strikes('F44')) throw new HandlerFailure()
        },
        onGap: ({ reason, partition }) => recordEntry({ kind: 'gap', seen: seen(), reason, ...defined({ partition }) }),
        onError: (error) => {
          recordEntry({ kind: 'error', seen: seen(), code: codeOf(error), message: error.message })
          record.ended = isClosed() ? 'closed' : 'error'
        },
        ...{ onStopped: onEnd, onComplete: onEnd }, // the first of our client, the second of tRPC's
      },
    )
    stops.set(record, () => subscription.unsubscribe())
    return record
  }

  return {
    subscribe,
    stop(record) {
      if (record.ended !== undefined) return
      record.ended = 'stopped'
      stops.get(record)?.()
    },
  }
}

interface Listener {
  readonly onStarted: () => void
  readonly onData: (event: {
    readonly id: string
    readonly data: { readonly n: number; readonly state?: number }
  }) => void
  readonly onGap: (gap: { readonly reason: string; readonly partition?: number }) => void
  readonly onError: (error: Error) => void
  readonly onStopped: () => void
  readonly onComplete: () => void
}

/** The client methods for the logs of rooms, of our client or of tRPC's own. */
export type LogClient = Readonly<
  Record<SubscriptionPath, { subscribe(input: { readonly room: string }, listener: Listener): { unsubscribe(): void } }>
>
