import { formatOffer, tokenFlaw } from '@trunkline/protocol'
import type { ConnectionOptions } from './connection-options.ts'
import type { Endpoint } from './socket.ts'
import { toError } from './to-error.ts'

/** An error for an option that makes every attempt fail. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'
}

/**
 * Calls `url` and `token`, and returns the URL and subprotocols of one attempt. Throws a `ConfigurationError` for a URL
 * or token of the wrong type or form, and an `Error` that names the option whose function failed.
 */
export async function resolveEndpoint(options: ConnectionOptions, session: string): Promise<Endpoint> {
  const [url, token] = await Promise.all([ask('url', options.url), ask('token', options.token)])
  if (token !== undefined && token !== null && typeof token !== 'string') throw tokenTypeError(token)
  const flaw = typeof token === 'string' ? tokenFlaw(token) : undefined // [TL-LIM-9]
  if (flaw !== undefined) throw new ConfigurationError(flaw)
  return { url: parseAddress(url), protocols: formatOffer({ session, token: token ?? null }) } // [TL-HS-1]
}

/**
 * Returns the URL with the scheme ws or wss. Throws for a URL that can never be opened, since a socket would retry it.
 */
function parseAddress(url: unknown): string {
  if (typeof url !== 'string' || !/^\s*(ws|http)s?:\/\//i.test(url))
    throw new ConfigurationError(
      `url: expected a URL such as wss://…, or a function that returns one; got ${show(url)}.`,
    )
  let parsed: URL
  try {
    parsed = new URL(url)
  } catch {
    throw new ConfigurationError(`url: ${show(url)} is not a valid URL; check its host and port.`)
  }
  if (parsed.port === '0') throw new ConfigurationError(`url: ${show(url)} has port 0; expected 1 to 65535.`)
  if (url.includes('#')) throw new ConfigurationError(`url: ${show(url)} has a fragment. Remove the #.`)
  parsed.protocol = parsed.protocol.replace('http', 'ws')
  return parsed.href
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
  return new ConfigurationError(`token: expected a function that returns a string or null; got ${show(got)}.`)
}

/** Shows a value in an error: a URL in full, any other value by its type, since it may be a token. */
function show(value: unknown): string {
  return typeof value === 'string' && /^\s*(\/|[a-z]+:)/i.test(value) ? JSON.stringify(value) : typeof value
}
