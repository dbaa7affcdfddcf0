/** The only subprotocol that the server echoes. It declares all extensions of `PROTOCOL.md`. */
export const SUBPROTOCOL = 'trunkline.1'

/**
 * The offer of Trunkline's client in `Sec-WebSocket-Protocol`. It carries the token and the session id, since browsers
 * cannot set other headers, and a URL is written to logs.
 */
export interface Offer {
  /** The session id: 16 to 64 random characters of `0-9 A-Z a-z _ -`. It is a secret that identifies the session. */
  readonly session: string
  readonly token: string | null
}

const tokenPrefix = 'token.'
const sessionPrefix = 'session.'
const sessionPattern = /^[0-9A-Za-z_-]{16,64}$/

/** [TL-HS-1] The entries to offer: `trunkline.1`, `session.<id>`, and `token.<base64url>` when there is a token. */
export function formatOffer({ session, token }: Offer): string[] {
  const entries = [SUBPROTOCOL, sessionPrefix + session]
  return token === null ? entries : [...entries, tokenPrefix + toBase64Url(new TextEncoder().encode(token))]
}

/**
 * Parses a `Sec-WebSocket-Protocol` header. Undefined when `trunkline.1` was not offered. Never throws; invalid entries
 * count as absent [TL-HS-3].
 */
export function parseOffer(
  header: string | undefined,
): { readonly session: string | undefined; readonly token: string | undefined } | undefined {
  const entries = (header ?? '').split(',').map((entry) => entry.trim())
  if (!entries.includes(SUBPROTOCOL)) return undefined
  const after = (prefix: string) => entries.find((entry) => entry.startsWith(prefix))?.slice(prefix.length)
  const session = after(sessionPrefix)
  return {
    session: session !== undefined && sessionPattern.test(session) ? session : undefined,
    token: fromBase64Url(after(tokenPrefix)),
  }
}

/** Bytes as base64url without padding. */
export function toBase64Url(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}

function fromBase64Url(text: string | undefined): string | undefined {
  if (text === undefined || !/^[0-9A-Za-z_-]*$/.test(text)) return undefined
  try {
    const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
    return new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(binary, (c) => c.charCodeAt(0)))
  } catch {
    return undefined // not base64 of UTF-8: no token
  }
}
