import { formatOffer, tokenFlaw } from '@trunkline/protocol'
import { ConfigurationError, optionError } from '../session/machine/settings.ts'
import type { ConnectionOptions } from './connection-options.ts'
import type { FallbackEndpoint } from './fallback.ts'
import { toError } from './to-error.ts'

/**
 * Calls `url` and `token`, and returns the URL and subprotocols of one attempt. Throws a `ConfigurationError` for a URL
 * or token of the wrong type or form, and an `Error` that names the option whose function failed. `explains`: asks the
 * server to accept the connection even if it is banned, and to say why. [TL-KICK-4]
 */
export async function resolveEndpoint(
  options: ConnectionOptions,
  session: string,
  explains = false,
): Promise<FallbackEndpoint> {
  const [url, token] = await Promise.all([ask('url', options.url), ask('token', options.token)])
  if (token !== undefined && token !== null && typeof token !== 'string') throw tokenTypeError(token)
  const flaw = typeof token === 'string' ? tokenFlaw(token) : undefined // [TL-LIM-9]
  if (flaw !== undefined) throw new ConfigurationError(flaw)
  const offer = { session, token: token ?? null }
  const endpoint = { ...offer, protocols: formatOffer(offer) } // [TL-HS-1]
  if (isHttpOnly(options)) return { ...endpoint, url: '' }
  const address = parseAddress(url)
  if (explains) address.searchParams.set('explain', '1')
  return { ...endpoint, url: address.href }
}

/** Whether the connection never uses a socket. */
export function isHttpOnly({ url, fallback }: ConnectionOptions): boolean {
  return fallback !== undefined && (url ?? null) === null
}

/**
 * Returns the URL with the scheme ws or wss. Throws for a URL that can never be opened, since a socket would retry it.
 */
function parseAddress(url: unknown): URL {
  if (typeof url !== 'string' || !/^\s*(ws|http)s?:\/\//i.test(url))
    throw optionError('url', 'a URL such as wss://…, or a function that returns one', show(url))
  let parsed: URL
  try {
    parsed = new URL(url)
  } catch {
    throw optionError('url', 'a URL with a valid host and port', show(url))
  }
  if (parsed.port === '0') throw optionError('url', 'a port from 1 to 65535', show(url))
  if (url.includes('#')) throw optionError('url', 'a URL without a fragment (#)', show(url))
  parsed.protocol = parsed.protocol.replace('http', 'ws')
  return parsed
}

async function ask(name: 'url' | 'token', option: unknown): Promise<unknown> {
  if (typeof option !== 'function') {
    if (name === 'url' || option === undefined) return option
    throw tokenTypeError(option)
  }
  try {
    return await option()
  } catch (cause) {
    throw new Error(`${name}() failed: ${toError(cause).message}`, { cause })
  }
}

function tokenTypeError(got: unknown): ConfigurationError {
  return optionError('token', 'a function that returns a string or null', show(got))
}

/** Shows a value in an error: a URL in full, any other value by its type, since it may be a token. */
function show(value: unknown): string {
  return typeof value === 'string' && /^\s*($|\/|[a-z]+:|[\w.-]+:\d)/i.test(value)
    ? JSON.stringify(value)
    : typeof value
}
