import type { ConnectionRow } from '../connections.ts'
import type { KeyRow } from '../idempotency.ts'
import type { Slot } from '../log.ts'
import type { PresenceRow } from '../presence.ts'
import type { Subscriber } from '../subscribers.ts'

export const expires = 2_000_000_000 // epoch seconds, far ahead
export const past = Math.floor(Date.now() / 1_000) - 60

let names = 0
/** A name that no other test uses, so that all tests can share one store. */
export const fresh = (kind: string) => `${kind}-${process.pid}-${Date.now().toString(36)}-${names++}`

/** A slot that differs from every other by its `publishId`. */
export function slot(offset: number, rest: Partial<Slot> = {}): Slot {
  return { offset, epoch: 'e1', publishId: fresh('p'), time: 1_700_000_000_000, expires, data: '{"n":1}', ...rest }
}

/** An open connection. */
export function connection(rest: Partial<ConnectionRow> = {}): ConnectionRow {
  const connectionId = fresh('c')
  return { connectionId, state: 'OPEN', session: 's1', principal: null, extensions: true, expires, ...rest }
}

/** A topic's row of a subscription that is on. */
export function subscriber(topic: string, rest: Partial<Subscriber> = {}): Subscriber {
  const row = { connectionId: fresh('c'), id: '1', ref: 1, on: true, path: 'room.messages', extensions: true }
  return { topic, shard: 0, ...row, expires, ...rest }
}

/** A claim of a new key. */
export function keyClaim(rest: Partial<Pick<KeyRow, 'key' | 'owner' | 'lease'>> = {}) {
  return { key: fresh('k'), owner: fresh('o'), lease: 1_700_000_060_000, fingerprint: 'f1', expires, ...rest }
}

/** A member whose join is not in the log yet. */
export function presence(topic: string, rest: Partial<PresenceRow> = {}): PresenceRow {
  const session = { ref: 1, connectionId: 'c', leaving: false, lease: 1, joined: '{}', data: '{}', since: 1 }
  const mark = fresh('m')
  const said = { id: mark, base: 0, type: 'join' as const, data: '{}' }
  return { topic, member: 'ann', v: 1, mark, sessions: { 's.1': session }, said, pending: true, expires, ...rest }
}
