import { utf8Bytes } from '@trunkline/protocol'
import type { NewCall } from './session-event.ts'

const longestOfOurs = 'auto.12345678.1234567890123456789012' // the server's time has 8 digits until 2059

/** What makes a call a repeatable one: a key of the SDK's own, one of the caller's, or none. [TL-KEY-8] */
export function toKey(
  method: NewCall['method'],
  given: string | false | undefined,
  createNonce: () => string,
): Pick<NewCall, 'key' | 'nonce' | 'resends'> {
  if (method === 'query') return { key: null, nonce: null, resends: true }
  if (given === false) return { key: null, nonce: null, resends: false }
  if (given === undefined) return { key: null, nonce: createNonce(), resends: true }
  return { key: `own.${given}`, nonce: null, resends: true }
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
  const longest = key ?? (nonce === null ? null : longestOfOurs)
  return utf8Bytes(longest === null ? text : withKey(text, longest, true))
}
