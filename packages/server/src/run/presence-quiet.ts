import type { PresenceTimes } from '../define/presence.ts'
import { channelOfTopic } from '../define/topic.ts'
import { randomName } from '../ports/clock.ts'
import type { PresenceRow, PresenceSeat, PresenceSession } from '../ports/presence-row.ts'
import type { Subscriber } from '../ports/store.ts'
import { LineFailure } from './line-failure.ts'
import { expiresOf } from './presence-row.ts'
import type { Followed } from './replay.ts'
import { toTRPCError } from './reply.ts'
import type { Scope } from './scope.ts'

/** A seat as one attempt of a subscription takes it. */
export interface Sitting {
  readonly log: Followed
  readonly seat: PresenceSeat
  readonly ref: number
  readonly connectionId: string
}

/** What is run some time after a session lost its socket, at least once. JSON. */
export interface PresenceCheck {
  readonly presence: { readonly topic: string; readonly member: string }
}

/** The log and the times of a presence topic; undefined when the topic is of another channel, or of none of this line. */
export function presenceAt(scope: Scope, topic: string): { log: Followed; times: PresenceTimes } | undefined {
  const channel = channelOfTopic(topic)
  const times = scope.presenceOf(channel)
  const retentionMs = scope.retentionOf(channel)
  return times === undefined || retentionMs === undefined ? undefined : { log: { topic, retentionMs }, times }
}

/** A connection is gone: its seat is free after the grace. */
export async function loseRow(
  scope: Scope,
  {
    topic,
    connectionId,
    seat,
  }: Pick<Sitting, 'connectionId'> & { readonly topic: string; readonly seat: PresenceSeat | undefined },
): Promise<void> {
  const found = seat && presenceAt(scope, topic)
  if (found !== undefined && seat !== undefined) await loseSeat(scope, { log: found.log, seat, connectionId })
}

/** The server has ended a subscription: its seat is over now, and a check says so. What is delivered runs into this, so that the log is left alone here. [TL-PRES-3] */
export async function vacateRow(
  scope: Scope,
  { topic, connectionId, ref, presence }: Pick<Subscriber, 'topic' | 'connectionId' | 'ref' | 'presence'>,
): Promise<void> {
  const found = presenceAt(scope, topic)
  const seat = presence?.seat
  if (found === undefined || seat === undefined) return
  const sitting = { log: found.log, seat, ref, connectionId }
  await askForCheck(scope, topic, seat.member, 0)
  await changeQuietly(scope, sitting, (mine, now) =>
    isOf(mine, sitting) ? { ...mine, leaving: true, lease: now } : undefined,
  )
}

const checkSlackMs = 1_000 // functions' clocks differ

/** The session's socket is gone: it may come back within the grace, and a delayed check ends it. Nothing if another connection has its place already. [TL-PRES-4] */
export async function loseSeat(scope: Scope, sitting: Omit<Sitting, 'ref'>): Promise<void> {
  const { log, seat, connectionId } = sitting
  const times = presenceAt(scope, log.topic)?.times
  if (times === undefined) return
  const mayLeave = (mine: PresenceSession | undefined): mine is PresenceSession =>
    mine?.connectionId === connectionId && !mine.leaving
  const row = await scope.store.readPresence(log.topic, seat.member)
  if (!mayLeave(row?.sessions[seat.entry])) return
  await askForCheck(scope, log.topic, seat.member, times.graceMs) // first: a check too many does no harm, one too few a ghost
  await changeQuietly(scope, sitting, (mine, now) =>
    mayLeave(mine) ? { ...mine, leaving: true, lease: now + times.graceMs } : undefined,
  )
}

async function askForCheck(scope: Scope, topic: string, member: string, graceMs: number): Promise<void> {
  const check: PresenceCheck = { presence: { topic, member } }
  try {
    if (scope.invoker?.invokeLater === undefined) throw new Error('Nothing that delays an invocation is bound.')
    await scope.invoker.invokeLater(check, { delayMs: Math.min(graceMs + checkSlackMs, 900_000) })
  } catch (thrown) {
    // Told and not thrown: the sweep of a sync ends it then, later.
    scope.server?.report({ error: toTRPCError(thrown), path: undefined, cause: 'delivery' })
  }
}

/** Renews a session's lease, once a quarter of it has passed. `absent`: the session is not here any more, or its connection was lost, and a sync that was under way then must not bring it back: it must join again. [TL-PRES-5] */
export async function renewSeat(
  scope: Scope,
  sitting: Sitting,
  { leaseMs }: Pick<PresenceTimes, 'leaseMs'>,
): Promise<'here' | 'absent'> {
  const row = await changeQuietly(scope, sitting, (mine, now) => {
    if (!isOf(mine, sitting) || mine.leaving || mine.lease - now > leaseMs * 0.75) return undefined
    return { ...mine, lease: Math.max(mine.lease, now + leaseMs) }
  })
  const mine = row?.sessions[sitting.seat.entry]
  return mine !== undefined && isOf(mine, sitting) && !mine.leaving ? 'here' : 'absent'
}

const attempts = 50 // losing as many races in a row means that something else is wrong

/** Changes a session in a way that others cannot see, so that the log is not looked at; `apply` gives undefined when there is nothing to change. Gives the row that stands. */
async function changeQuietly(
  scope: Scope,
  { log, seat }: Pick<Sitting, 'log' | 'seat'>,
  apply: (mine: PresenceSession, now: number) => PresenceSession | undefined,
): Promise<PresenceRow | undefined> {
  let row = await scope.store.readPresence(log.topic, seat.member)
  for (let attempt = 0; attempt < attempts; attempt++) {
    const mine = row?.sessions[seat.entry]
    if (row === undefined || mine === undefined) return row
    const now = scope.clock.now()
    const changed = apply(mine, now)
    if (changed === undefined) return row
    const sessions = { ...row.sessions, [seat.entry]: changed }
    const mark = randomName(scope.clock, 20)
    const next: PresenceRow = { ...row, v: row.v + 1, mark, sessions, expires: expiresOf(sessions, now) }
    const outcome = await scope.store.putPresence(next, row.mark)
    if (outcome.status === 'put') return next
    row = outcome.row
  }
  throw new LineFailure('RATE_LIMITED', `The presence of this member changes too often (${attempts} conflicts).`)
}

export function isOf(session: PresenceSession, { ref, connectionId }: Pick<Sitting, 'ref' | 'connectionId'>): boolean {
  return session.ref === ref && session.connectionId === connectionId
}
