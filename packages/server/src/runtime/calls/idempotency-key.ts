import { autoKey, type FrameId, keyFlaw } from '@trunkline/protocol'
import { sha256 } from '../../ports/sha256.ts'
import type { ConnectionSubscription } from '../../ports/subscriptions.ts'
import type { Caller, ConnectionCaller, JobCaller } from '../context/caller.ts'
import { TrunklineError } from '../context/trunkline-error.ts'

const dayMs = 24 * 3_600_000
const aheadMs = 5 * 60_000
/** A key's row is kept longer than its key is accepted. */
const rowMs = 48 * 3_600_000

/**
 * Rejects a key that is so old that its row may have expired, or that is ahead of the server's clock. Throws
 * `TrunklineError` KEY_EXPIRED, or MALFORMED for a key of another form.
 */
// [TL-KEY-4]
export function checkKey(key: string, now: number): void {
  const flaw = keyFlaw(key)
  if (flaw !== undefined) throw new TrunklineError('MALFORMED', flaw)
  const [, time] = autoKey.exec(key) ?? []
  if (time === undefined) return
  const ageMs = now - Number.parseInt(time, 36)
  if (ageMs > dayMs)
    throw new TrunklineError(
      'KEY_EXPIRED',
      'This idempotency key is older than 24 hours. Send the call with a new key if it may run again.',
    )
  if (ageMs < -aheadMs)
    throw new TrunklineError(
      'KEY_EXPIRED',
      "This idempotency key is more than 5 minutes ahead of the server's clock. Correct the client's clock.",
      {
        mayHaveRun: false,
      },
    )
}

/**
 * The name of a call key's row. It includes the principal, or the session of an anonymous caller, so that callers
 * cannot use each other's keys [LAW-ONE-EFFECT].
 */
// [TL-KEY-2]
export function rowNameOf(caller: Caller, key: string): string {
  return `${ownerOf(caller)}#${digest(key)}`
}

/**
 * A digest of who a caller is: its principal, or the session of an anonymous caller. A job has the digest, which leads
 * back neither to the secret session id nor from the public one.
 */
export function ownerOf(caller: Pick<ConnectionCaller, 'principal' | 'session'> | Pick<JobCaller, 'owner'>): string {
  if ('owner' in caller) return caller.owner
  const { principal, session } = caller
  return digest(principal === null ? `session\n${session}` : `principal\n${principal}`)
}

/**
 * The row in which a long call is claimed and cancelled. A call with a key has its key's row, so that the client
 * reaches it from any connection. Neither name can collide with another row's.
 */
export function rowOfCall(
  caller: Caller,
  { id, key }: { readonly id: FrameId; readonly key?: string | undefined },
): Pick<ConnectionSubscription, 'connectionId' | 'id'> {
  if (key !== undefined) return { connectionId: rowNameOf(caller, key), id: 'call' }
  return { connectionId: caller.connectionId, id: `call ${JSON.stringify(id)}` } // a subscription's id is JSON text
}

/** The name of the row of a publish with a key of its own. */
export function rowNameOfPublish(topic: string, key: string): string {
  return `publish#${digest(`${topic}\n${key}`)}`
}

/**
 * The name of the row for the publishes of a keyed mutation's middlewares. They run before the claim, and again for a
 * duplicate.
 */
export function rowNameOfMiddlewares(row: string): string {
  return `publish#${digest(`\n${row}`)}` // no topic begins with a newline
}

/** When a key's row expires, in epoch seconds. */
export function keyExpires(now: number): number {
  return Math.ceil((now + rowMs) / 1_000)
}

/** A digest of path and input, which shows whether a key is reused for another call. */
export function fingerprintOf(path: string, rawInput: unknown): string {
  return digest(`${path}\n${JSON.stringify(rawInput) ?? ''}`)
}

/** The id of the n-th publish to a topic under a key: the same in each attempt [LAW-PUBLISH-ONCE]. */
export function publishIdOf(row: string, topic: string, n: number): string {
  return digest(`${row}\n${topic}\n${n}`)
}

/** 192 bits of the SHA-256 of a text, in base64url. */
export function digest(text: string): string {
  return sha256(text).toString('base64url').slice(0, 32)
}
