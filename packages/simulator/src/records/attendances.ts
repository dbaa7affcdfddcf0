import { type createClient, trunklineError } from '@trunkline/client'
import type { FaultPlan } from '../kernel/fault-plan.ts'
import { HandlerFailure } from '../kernel/handler-failure.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { Report } from '../kernel/report.ts'
import type { Application } from './application.ts'
import type { Attendance, History, Sight } from './history.ts'

type Event =
  | {
      readonly type: 'here'
      readonly members: readonly { readonly member: string; readonly data: { readonly n: number } }[]
    }
  | { readonly type: 'join' | 'update'; readonly member: string; readonly data: { readonly n: number } }
  | { readonly type: 'leave'; readonly member: string }

/** What a device does about who is here. */
export interface Attending {
  /** Watches who is in a room; `joined`: and is there. */
  attend(path: 'joined' | 'watched', room: string): Attendance
  leave(attendance: Attendance): void
  /** Gives this device's sessions in a room new data. */
  mark(room: string, n: number): void
}

/** The part of a device's application that watches who is here, and is here. */
export function createAttendances(options: {
  readonly name: string
  readonly plan: FaultPlan
  readonly kernel: Kernel
  readonly history: History
  readonly report: Report
  readonly principal: string | undefined
  readonly client: ReturnType<typeof createClient<Application>>
  readonly isClosed: () => boolean
}): Attending {
  const { name, plan, kernel, history, report, principal, client, isClosed } = options
  const stops = new Map<Attendance, () => void>()

  function attend(path: 'joined' | 'watched', room: string): Attendance {
    const member = path === 'joined' ? (principal ?? 'nobody') : undefined
    const attendance: Attendance = { device: name, member, room, sights: [], ended: undefined }
    const told = (sight: Sight) => {
      kernel.note(`${name} ${path} ${room} ${sight.kind} ${'id' in sight ? sight.id : ''}`)
      if (attendance.ended !== undefined)
        report.break('H12', `${name} ${path} ${room} was told ${sight.kind} after its end`)
      attendance.sights.push(sight)
    }
    history.attendances.push(attendance)
    const subscription = client[path].subscribe(
      { room },
      {
        onStarted: () => told({ kind: 'started' }),
        onData: ({ id, data }: { readonly id: string; readonly data: Event }) => {
          told(toSight(id, data))
          if (plan.strikes('F44')) throw new HandlerFailure()
        },
        onGap: () => told({ kind: 'gap' }),
        onError: (error: unknown) => {
          told({ kind: 'error', code: trunklineError(error)?.code ?? 'PROCEDURE' })
          attendance.ended = isClosed() ? 'closed' : 'error'
        },
        onStopped: () => {
          attendance.ended ??= isClosed() ? 'closed' : 'stopped'
        },
      },
    )
    stops.set(attendance, () => subscription.unsubscribe())
    return attendance
  }

  return {
    attend,
    leave(attendance) {
      if (attendance.ended !== undefined) return
      stops.get(attendance)?.()
      attendance.ended = 'stopped'
    },
    mark(room, n) {
      kernel.note(`${name} marks ${n}`)
      const record = { member: principal, room, n, answer: undefined as boolean | undefined }
      history.marks.push(record)
      client.mark.mutate({ room, n }).then(
        (answer) => {
          kernel.note(`${name} mark ${n} ${answer}`)
          record.answer = answer
        },
        () => {}, // what became of it is not known
      )
    },
  }
}

function toSight(id: string, event: Event): Sight {
  const { type: kind } = event
  if (kind === 'here')
    return { kind, id, members: Object.fromEntries(event.members.map(({ member, data }) => [member, data.n])) }
  return kind === 'leave' ? { kind, id, member: event.member } : { kind, id, member: event.member, n: event.data.n }
}
