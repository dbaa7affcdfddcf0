import { randomName } from '../../../ports/clock.ts'
import type { PresenceRow, PresenceSeat, PresenceSession } from '../../../ports/presence.ts'
import type { RuntimeContext } from '../../context/scope.ts'
import type { LogRef } from '../../log/replay.ts'
import { expiresOf, mostRaces, racesLost } from './member-row.ts'

/** A seat as one attempt of a subscription takes it. */
export interface SessionRef {
  readonly log: LogRef
  readonly seat: PresenceSeat
  readonly ref: number
  readonly connectionId: string
}

/** Changes a session in a way that others cannot see, so that the log is not looked at; `apply` gives undefined when there is nothing to change. Gives the row that stands. */
export async function updateSession(
  scope: RuntimeContext,
  { log, seat }: Pick<SessionRef, 'log' | 'seat'>,
  apply: (mine: PresenceSession, now: number) => PresenceSession | undefined,
): Promise<PresenceRow | undefined> {
  let row = await scope.store.readPresence(log.topic, seat.member)
  for (let race = 0; race < mostRaces; race++) {
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
  throw racesLost()
}

/** Whether a session is as this attempt of its subscription made it. */
export function isOf(
  session: PresenceSession,
  { ref, connectionId }: Pick<SessionRef, 'ref' | 'connectionId'>,
): boolean {
  return session.ref === ref && session.connectionId === connectionId
}
