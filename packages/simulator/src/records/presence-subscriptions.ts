import { type createClient, trunklineError } from '@trunkline/client'
import type { FaultPlan } from '../kernel/fault-plan.ts'
import { HandlerFailure } from '../kernel/handler-failure.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { Report } from '../kernel/report.ts'
import type { Application } from './application.ts'
import type { History, PresenceEvent, PresenceSubscription } from './history.ts'

type Event =
  | {
      readonly type: 'here'
      readonly members: readonly { readonly member: string; readonly data: { readonly n: number } }[]
    }
  | { readonly type: 'join' | 'update'; readonly member: string; readonly data: { readonly n: number } }
  | { readonly type: 'leave'; readonly member: string }

/** The presence actions of a device. */
export interface PresenceActions {
  /** Watches a room's presence. With `joined`, the device is also present. */
  subscribePresence(path: 'joined' | 'watched', room: string): PresenceSubscription
  unsubscribePresence(record: PresenceSubscription): void
  /** Sets new data for this device's sessions in a room. */
  updatePresence(room: string, n: number): void
}

/** Creates the presence part of a device's application. */
export function createPresenceSubscriptions(options: {
  readonly name: string
  readonly plan: FaultPlan
  readonly kernel: Kernel
  readonly history: History
  readonly report: Report
  readonly principal: string | undefined
  readonly client: ReturnType<typeof createClient<Application>>
  readonly isClosed: () => boolean
}): PresenceActions {
  const { name, plan, kernel, history, report, principal, client, isClosed } = options
  const stops = new Map<PresenceSubscription, () => void>()

  function subscribePresence(path: 'joined' | 'watched', room: string): PresenceSubscription {
    const member = path === 'joined' ? (principal ?? 'nobody') : undefined
    const record: PresenceSubscription = { device: name, member, room, events: [], ended: undefined }
    const recordEvent = (event: PresenceEvent) => {
      kernel.note(`${name} ${path} ${room} ${event.kind} ${'id' in event ? event.id : ''}`)
      if (record.ended !== undefined)
        report.break('H12', `${name} ${path} ${room} received ${event.kind} after its end`)
      record.events.push(event)
    }
    history.presenceSubscriptions.push(record)
    const subscription = client[path].subscribe(
      { room },
      {
        onStarted: () => recordEvent({ kind: 'started' }),
        onData: ({ id, data }: { readonly id: string; readonly data: Event }) => {
          recordEvent(toPresenceEvent(id, data))
          if (plan.strikes('F44')) throw new HandlerFailure()
        },
        onGap: () => recordEvent({ kind: 'gap' }),
        onError: (error: unknown) => {
          recordEvent({ kind: 'error', code: trunklineError(error)?.code ?? 'PROCEDURE' })
          record.ended = isClosed() ? 'closed' : 'error'
        },
        onStopped: () => {
          record.ended ??= isClosed() ? 'closed' : 'stopped'
        },
      },
    )
    stops.set(record, () => subscription.unsubscribe())
    return record
  }

  return {
    subscribePresence,
    unsubscribePresence(record) {
      if (record.ended !== undefined) return
      stops.get(record)?.()
      record.ended = 'stopped'
    },
    updatePresence(room, n) {
      kernel.note(`${name} marks ${n}`)
      const record = { member: principal, room, n, answer: undefined as boolean | undefined }
      history.marks.push(record)
      client.mark.mutate({ room, n }).then(
        (answer) => {
          kernel.note(`${name} mark ${n} ${answer}`)
          record.answer = answer
        },
        () => {}, // the outcome is unknown
      )
    },
  }
}

function toPresenceEvent(id: string, event: Event): PresenceEvent {
  const { type: kind } = event
  if (kind === 'here')
    return { kind, id, members: Object.fromEntries(event.members.map(({ member, data }) => [member, data.n])) }
  return kind === 'leave' ? { kind, id, member: event.member } : { kind, id, member: event.member, n: event.data.n }
}
