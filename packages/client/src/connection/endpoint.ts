import { formatOffer, tokenFlaw } from '@trunkline/protocol'
import type { ConnectionOptions } from './connection-options.ts'
import type { Endpoint } from './socket.ts'
import { toError } from './to-error.ts'

/** An option that no retry makes right. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'
}

/** Where to connect and what to offer there, asked anew for each attempt. Throws `ConfigurationError` for an address or a token of the wrong kind, an `Error` that names the provider that failed. */
export async function resolveEndpoint(options: ConnectionOptions, session: string): Promise<Endpoint> {
  const [url, token] = await Promise.all([ask('url', options.url), ask('token', options.token)])
  if (token !== undefined && token !== null && typeof token !== 'string') throw tokenTypeError(token)
  const flaw = typeof token === 'string' ? tokenFlaw(token) : undefined // [TL-LIM-9]
  if (flaw !== undefined) throw new ConfigurationError(flaw)
  return { url: parseAddress(url), protocols: formatOffer({ session, token: token ?? null }) } // [TL-HS-1]
}

/** The address as a socket takes it. What no attempt could ever open is refused here, since a socket would be tried for ever. */
function parseAddress(url: unknown): string {
  if (typeof url !== 'string' || !/^\s*(ws|http)s?:\/\//i.test(url))
    throw new ConfigurationError(
      `url: expected an address such as wss://…, or a function that gives one; got ${show(url)}.`,
    )
  let parsed: URL
  try {
    parsed = new URL(url)
  } catch {
    throw new ConfigurationError(`url: ${show(url)} is no valid address; check its host and its port.`)
  }
  if (parsed.port === '0') throw new ConfigurationError(`url: ${show(url)} has port 0; expected 1 to 65535.`)
  if (url.includes('#'))
    throw new ConfigurationError(`url: ${show(url)} has a fragment; a WebSocket address has none. Remove the #.`)
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
  return new ConfigurationError(`token: expected a function that gives a text or null; got ${show(got)}.`)
}

/** A token is never shown. */
function show(value: unknown): string {
  return typeof value === 'string' && /^\s*(\/|[a-z]+:)/i.test(value) ? JSON.stringify(value) : typeof value
}
