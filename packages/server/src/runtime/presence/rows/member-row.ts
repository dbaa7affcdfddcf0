import type { PresenceRow, PresenceSaid, PresenceSession } from '../../../ports/presence.ts'
import { TrunklineError } from '../../context/trunkline-error.ts'

/** How often in a row a write of a member's row may find that another came first: more means that something else is wrong. */
export const mostRaces = 50

/** What a caller is told who lost them all. */
export function racesLost(): TrunklineError {
  return new TrunklineError('RATE_LIMITED', `The presence of this member changes too often (${mostRaces} conflicts).`)
}

/** A member's sessions, by the name of each one's part in the row. */
export type Sessions = Readonly<Record<string, PresenceSession>>

const keptSeconds = 96 * 3_600 // where nobody looks, a row outlives its leases, and the log's newest slot too (retention and 48 h)

/** The sessions that are here or may still come back. */
export function living(sessions: Sessions, now: number): Sessions {
  return Object.fromEntries(Object.entries(sessions).filter(([, { lease }]) => lease > now))
}

/** Whether the log of `epoch` tells of this member as here, or is about to. A row that spoke into another history says nothing of this one. */
export function isShown({ said, pending, epoch }: PresenceRow, ofLog: string | undefined): boolean {
  return said.type !== 'leave' && (pending || epoch === ofLog)
}

/** What it changes for others that a member looks like this now, `undefined` when not here: a join, a leave, new data in between; nothing while it looks the same. */
export function changeOf(
  row: PresenceRow | undefined,
  data: string | undefined,
  ofLog: string | undefined,
): Pick<PresenceSaid, 'type' | 'data'> | undefined {
  const shown = row !== undefined && isShown(row, ofLog)
  if (data === undefined) return shown ? { type: 'leave' } : undefined
  if (!shown) return { type: 'join', data }
  return data === row.said.data ? undefined : { type: 'update', data }
}

/** When a row with these sessions may go, in epoch seconds. */
export function expiresOf(sessions: Sessions, now: number): number {
  const end = Object.values(sessions).reduce((latest, { lease }) => Math.max(latest, lease), now)
  return Math.ceil(end / 1_000) + keptSeconds
}
