import type { NewCall } from './session-event.ts'

/** What a frame grows by when its own key is added: the server's time has 8 digits until 2059. */
export const ownKeyBytes = ',"key":"auto.12345678.1234567890123456789012"'.length

/** What makes a call a repeatable one: a key of the SDK's own, one of the caller's, or none. [TL-KEY-8] */
export function toKey(
  method: NewCall['method'],
  given: string | false | undefined,
  createNonce: () => string,
): Pick<NewCall, 'nonce' | 'resends'> & { readonly key?: string } {
  if (method === 'query') return { nonce: null, resends: true }
  if (given === undefined) return { nonce: createNonce(), resends: true }
  return given === false ? { nonce: null, resends: false } : { nonce: null, resends: true, key: `own.${given}` }
}

/** The frame with a key of the SDK's own: `auto.<server time>.<nonce>`. `text` ends with its params. */
export function withOwnKey(text: string, serverNow: number, nonce: string): string {
  return `${text.slice(0, -2)},"key":"auto.${Math.floor(serverNow).toString(36)}.${nonce}"}}`
}
