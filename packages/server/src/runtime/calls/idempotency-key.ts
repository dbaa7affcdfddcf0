import { createHash } from 'node:crypto'
import { autoKey, keyFlaw } from '@trunkline/protocol'
import type { ConnectionCaller } from '../context/caller.ts'
import { TrunklineError } from '../context/trunkline-error.ts'

const dayMs = 24 * 3_600_000
const aheadMs = 5 * 60_000
/** A key's row outlives every key that is still taken. */
const rowMs = 48 * 3_600_000

/** Refuses a key that is too old to be known for unused, or that comes from the future. Throws `TrunklineError` KEY_EXPIRED, or MALFORMED for a key of another form. */
// [TL-KEY-4]
export function checkKey(key: string, now: number): void {
  const flaw = keyFlaw(key)
  if (flaw !== undefined) throw new TrunklineError('MALFORMED', flaw)
  const [, time] = autoKey.exec(key) ?? []
  if (time === undefined) return
  const ageMs = now - Number.parseInt(time, 36)
  if (ageMs > dayMs) throw new TrunklineError('KEY_EXPIRED', 'This key is older than 24 hours.')
  if (ageMs < -aheadMs)
    throw new TrunklineError('KEY_EXPIRED', 'This key comes from more than 5 minutes ahead of the server.', {
      mayHaveRun: false,
    })
}

/** Names the row of a call's key: scoped to the principal, or to the session of an anonymous caller, so that nobody meets another's [LAW-ONE-EFFECT]. */
// [TL-KEY-2]
export function rowNameOf(caller: ConnectionCaller, key: string): string {
  const scope = caller.principal === null ? `session\n${caller.session}` : `principal\n${caller.principal}`
  return `${digest(scope)}#${digest(key)}`
}

/** Names the row of a publish that has a key of its own. */
export function rowNameOfPublish(topic: string, key: string): string {
  return `publish#${digest(`${topic}\n${key}`)}`
}

/**
 * Names the row of what the middlewares of a keyed mutation publish: they run before its claim, and again for a
 * duplicate.
 */
export function rowNameOfMiddlewares(row: string): string {
  return `publish#${digest(`\n${row}`)}` // no topic begins with a newline
}

/** When a key's row may go, in epoch seconds. */
export function keyExpires(now: number): number {
  return Math.ceil((now + rowMs) / 1_000)
}

/** Tells calls apart that use one key: path and input, as they came. */
export function fingerprintOf(path: string, rawInput: unknown): string {
  return digest(`${path}\n${JSON.stringify(rawInput) ?? ''}`)
}

/** The id of the n-th publish to a topic under a key: the same in each attempt [LAW-PUBLISH-ONCE]. */
export function publishIdOf(row: string, topic: string, n: number): string {
  return digest(`${row}\n${topic}\n${n}`)
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 32)
}
