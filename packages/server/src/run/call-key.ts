import { createHash } from 'node:crypto'
import type { ConnectionCaller } from './caller.ts'
import { LineFailure } from './line-failure.ts'

/** A mutation's key as it stands on the wire: `auto.<server time, base 36>.<random>` when the SDK made it, `own.<text>` when the caller did. */
export type CallKey = { readonly kind: 'auto'; readonly time: number } | { readonly kind: 'own' }

const autoPattern = /^auto\.([0-9a-z]{1,11})\.[0-9A-Za-z_-]{16,64}$/
const dayMs = 24 * 3_600_000
const aheadMs = 5 * 60_000
/** A key's row outlives every key that is still taken. */
const rowMs = 48 * 3_600_000

/** Reads a key and refuses one that is too old to be known for unused, or that comes from the future. Throws `LineFailure` KEY_EXPIRED. */
// [TL-KEY-4]
export function checkKey(key: string, now: number): void {
  const parsed = parseKey(key)
  if (parsed === undefined)
    throw new LineFailure('KEY_EXPIRED', 'Expected a key auto.<time>.<random> or own.<text>.', { mayHaveRun: false })
  if (parsed.kind === 'own') return
  if (now - parsed.time > dayMs) throw new LineFailure('KEY_EXPIRED', 'This key is older than 24 hours.')
  if (parsed.time - now > aheadMs)
    throw new LineFailure('KEY_EXPIRED', 'This key comes from more than 5 minutes ahead of the server.', {
      mayHaveRun: false,
    })
}

function parseKey(key: string): CallKey | undefined {
  if (key.startsWith('own.') && key.length > 'own.'.length) return { kind: 'own' }
  const match = autoPattern.exec(key)
  return match === null ? undefined : { kind: 'auto', time: Number.parseInt(match[1] as string, 36) }
}

/** Names the row of a call's key: scoped to the principal, or to the session of an anonymous caller, so that nobody meets another's (law 9). */
// [TL-KEY-2]
export function rowNameOf(caller: ConnectionCaller, key: string): string {
  const scope = caller.principal === null ? `session\n${caller.session}` : `principal\n${caller.principal}`
  return `${digest(scope)}#${digest(key)}`
}

/** Names the row of a publish that has a key of its own. */
export function rowNameOfPublish(topic: string, key: string): string {
  return `publish#${digest(`${topic}\n${key}`)}`
}

/** When a key's row may go, in epoch seconds. */
export function keyExpires(now: number): number {
  return Math.ceil((now + rowMs) / 1_000)
}

/** Tells calls apart that use one key: path and input, as they came. */
export function fingerprintOf(path: string, rawInput: unknown): string {
  return digest(`${path}\n${JSON.stringify(rawInput) ?? ''}`)
}

/** The id of the n-th publish to a topic under a key: the same in each attempt (law 1a). */
export function publishIdOf(row: string, topic: string, n: number): string {
  return digest(`${row}\n${topic}\n${n}`)
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 32)
}
