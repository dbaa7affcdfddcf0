import type { RateAddition } from '../../ports/rates.ts'
import { sha256 } from '../../ports/sha256.ts'
import { type Caller, sessionIdOf } from '../context/caller.ts'
import type { CallingSession } from '../context/runtime-context.ts'

/** A window in which an owner's counter counts, and when it ends, in epoch milliseconds. */
export interface RateWindow extends Pick<RateAddition, 'window' | 'expires'> {
  readonly endsAt: number
}

/** A counter outlives its window by this, in milliseconds: the clocks of two functions may differ. */
const keptMs = 60_000

/**
 * The window of an owner at `now`. Windows follow each other, and begin at times of the owner's own: callers that were
 * refused do not all come back at once.
 */
export function windowOf(owner: string, windowMs: number, now: number): RateWindow {
  const phase = sha256(owner).readUInt32BE() % windowMs
  const window = Math.floor((now - phase) / windowMs) * windowMs + phase
  const endsAt = window + windowMs
  return { window, endsAt, expires: Math.ceil((endsAt + keptMs) / 1_000) }
}

/** The caller of a frame, as its rates name it. */
export type RatedCaller = Pick<CallingSession, 'connectionId' | 'sessionId' | 'principal'>

/** The caller of a connection, as its rates name it. */
export function toRatedCaller(caller: Caller): RatedCaller {
  const { connectionId, principal } = caller
  return { connectionId, sessionId: sessionIdOf(caller), principal }
}

/** Whose rate a caller uses up: that of its principal, or that of its session if it is anonymous. */
export function principalOwner({ principal, sessionId }: RatedCaller): string {
  const name = principal === null ? `session\n${sessionId}` : `principal\n${principal}`
  return sha256(name).toString('base64url').slice(0, 32)
}
