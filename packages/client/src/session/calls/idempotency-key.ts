import { autoKey, utf8Bytes } from '@trunkline/protocol'
import type { NewCall } from '../machine/events.ts'

const longestTime = 36 ** 8 - 1 // until 2059, the server's time has 8 digits in base 36

interface KeyOptions {
  readonly method: 'query' | 'mutation'
  /** The application's own key. False: the mutation has no key and is never sent twice. Undefined: a key is created. */
  readonly idempotencyKey?: string | false | undefined
  readonly mayHaveRun?: boolean
}

/** Chooses the key of a call: a generated one, the caller's, or none. [TL-KEY-8] */
export function toKey(
  { method, idempotencyKey: given, mayHaveRun = false }: KeyOptions,
  createNonce: () => string,
): Pick<NewCall, 'key' | 'nonce' | 'resends' | 'mayHaveRun'> {
  const none = { key: null, nonce: null, resends: method === 'query', mayHaveRun }
  if (method === 'query' || given === false) return none
  if (given === undefined) return { ...none, nonce: createNonce(), resends: true }
  const isGenerated = autoKey.test(given) // from the error of a mutation that may have run
  return { ...none, key: isGenerated ? given : `own.${given}`, resends: true, mayHaveRun: mayHaveRun || isGenerated }
}

/**
 * The key in the form of the option `idempotencyKey`, to repeat a mutation. Undefined when a new key is as good, since
 * nothing can have run under this one.
 */
export function toOption(key: string | null, mayHaveRun: boolean): string | undefined {
  if (key?.startsWith('own.')) return key.slice('own.'.length)
  return (mayHaveRun && key) || undefined
}

/** Generates a key: `auto.<server time in base 36>.<nonce>`. */
export function makeKey(serverNow: number, nonce: string): string {
  return `auto.${Math.floor(serverNow).toString(36)}.${nonce}`
}

/** Adds the key to a frame, and `resend` to a repeated one. `text` ends with its params. [TL-KEY-8] */
export function withKey(text: string, key: string, isResend: boolean): string {
  return `${text.slice(0, -2)},"key":${JSON.stringify(key)}${isResend ? ',"resend":true' : ''}}}`
}

/** UTF-8 bytes of the call's largest frame: with its key and `resend`. */
export function frameBytesOf(text: string, { key, nonce }: Pick<NewCall, 'key' | 'nonce'>): number {
  const longest = key ?? (nonce && makeKey(longestTime, nonce))
  return utf8Bytes(longest === null ? text : withKey(text, longest, true))
}
