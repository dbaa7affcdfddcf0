import { randomName } from '../../../ports/clock.ts'
import type { PresenceRow, PresenceSession, PresenceSessionKey } from '../../../ports/presence.ts'
import { backOff } from '../../context/back-off.ts'
import type { RuntimeContext } from '../../context/runtime-context.ts'
import type { LogRef } from '../../log/replay.ts'
import { expiresOf, mostRaces, racesLost } from './member-row.ts'

/** A session, as one attempt of its subscription joined it. */
export interface SessionRef {
  readonly log: LogRef
  readonly key: PresenceSessionKey
  readonly ref: number
  readonly connectionId: string
}

/**
 * Changes a session in a way that others do not see, so nothing is appended to the log. `apply` returns undefined to
 * change nothing. Returns the current row. Throws RATE_LIMITED when other writes come first too often.
 */
export async function updateSession(
  context: RuntimeContext,
  { log, key }: Pick<SessionRef, 'log' | 'key'>,
  apply: (mine: PresenceSession, now: number) => PresenceSession | undefined,
): Promise<PresenceRow | undefined> {
  const read = () => context.store.readPresence(log.topic, key.member)
  let row = await read()
  for (let lost = 0; lost < mostRaces; ) {
    const mine = row?.sessions[key.entry]
    if (row === undefined || mine === undefined) return row
    const now = context.clock.now()
    const changed = apply(mine, now)
    if (changed === undefined) return row
    const sessions = { ...row.sessions, [key.entry]: changed }
    const mark = randomName(context.clock, 20)
    const next: PresenceRow = { ...row, v: row.v + 1, mark, sessions, expires: expiresOf(sessions, now) }
    const outcome = await context.store.putPresence(next, row.mark)
    if (outcome.status === 'put') return next
    row = (await backOff(context, ++lost)) ? await read() : outcome.row
  }
  throw racesLost()
}

/** Whether this attempt of its subscription has joined the session. */
export function isOf(
  session: PresenceSession,
  { ref, connectionId }: Pick<SessionRef, 'ref' | 'connectionId'>,
): boolean {
  return session.ref === ref && session.connectionId === connectionId
}
