import { autoKey, utf8Bytes } from '@trunkline/protocol'
import type { NewCall } from '../machine/events.ts'

const longestTime = 36 ** 8 - 1 // the server's time has 8 digits of base 36 until 2059

interface KeyOptions {
  readonly method: 'query' | 'mutation'
  /** The application's own key, or false for a mutation that is never sent twice. */
  readonly idempotencyKey?: string | false | undefined
  readonly mayHaveRun?: boolean
}

/** What makes a call a repeatable one: a key of the SDK's own, one of the caller's, or none. [TL-KEY-8] */
export function toKey(
  { method, idempotencyKey: given, mayHaveRun = false }: KeyOptions,
  createNonce: () => string,
): Pick<NewCall, 'key' | 'nonce' | 'resends' | 'mayHaveRun'> {
  const none = { key: null, nonce: null, resends: method === 'query', mayHaveRun }
  if (method === 'query' || given === false) return none
  if (given === undefined) return { ...none, nonce: createNonce(), resends: true }
  const isOurs = autoKey.test(given) // of a mutation that failed and may have run
  return { ...none, key: isOurs ? given : `own.${given}`, resends: true, mayHaveRun: mayHaveRun || isOurs }
}

/** The key as the option `idempotencyKey` takes it, to repeat a mutation. Undefined where a new key does as well: nothing has run under this one. */
export function toOption(key: string | null, mayHaveRun: boolean): string | undefined {
  if (key?.startsWith('own.')) return key.slice('own.'.length)
  return (mayHaveRun && key) || undefined
}

/** A key of the SDK's own: `auto.<server time>.<nonce>`. */
export function makeKey(serverNow: number, nonce: string): string {
  return `auto.${Math.floor(serverNow).toString(36)}.${nonce}`
}

/** The frame with its key, marked when it is sent again. `text` ends with its params. [TL-KEY-8] */
export function withKey(text: string, key: string, isResend: boolean): string {
  return `${text.slice(0, -2)},"key":${JSON.stringify(key)}${isResend ? ',"resend":true' : ''}}}`
}

/** The size of the call's largest frame: with its key and marked as sent again. */
export function frameBytesOf(text: string, { key, nonce }: Pick<NewCall, 'key' | 'nonce'>): number {
  const longest = key ?? (nonce && makeKey(longestTime, nonce))
  return utf8Bytes(longest === null ? text : withKey(text, longest, true))
}
