import type { PresenceRow, PresenceSaid, PresenceSession } from '../../../ports/presence.ts'
import { TrunklineError } from '../../context/trunkline-error.ts'

/** How many times in a row a write of a member's row may lose to another write. More indicates another problem. */
export const mostRaces = 50

/** The error of a caller whose writes all lost. */
export function racesLost(): TrunklineError {
  return new TrunklineError(
    'RATE_LIMITED',
    `The presence of this member changes too often (${mostRaces} conflicts). Try again later.`,
  )
}

/** A member's sessions, by their names in the row. */
export type Sessions = Readonly<Record<string, PresenceSession>>

/** A row outlives its leases by this much, so that it also outlives the newest slot of the log (retention + 48 h). */
const keptSeconds = 96 * 3_600

/** The sessions whose leases have not expired: they are present or may still come back. */
export function living(sessions: Sessions, now: number): Sessions {
  return Object.fromEntries(Object.entries(sessions).filter(([, { lease }]) => lease > now))
}

/**
 * Whether the log of epoch `ofLog` shows this member as present, or soon will. The change of a row of another epoch is
 * not in this log.
 */
function isShown({ said, pending, epoch }: PresenceRow, ofLog: string | undefined): boolean {
  return said.type !== 'leave' && (pending || epoch === ofLog)
}

/**
 * The change that others see when a member's data becomes `data`, or when it becomes absent (`undefined`). Undefined
 * when they see none.
 */
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

/** When a row with these sessions may be deleted, in epoch seconds. */
export function expiresOf(sessions: Sessions, now: number): number {
  const end = Object.values(sessions).reduce((latest, { lease }) => Math.max(latest, lease), now)
  return Math.ceil(end / 1_000) + keptSeconds
}
