import { formatOffer } from '@trunkline/protocol'
import type { ConnectionOptions } from './connection-options.ts'
import type { Destination } from './socket.ts'

/** An option that no retry makes right. */
export class Misuse extends Error {
  override readonly name = 'Misuse'
}

/** Where to connect and what to offer there, asked anew for each attempt. Throws `Misuse` for an address or a token of the wrong kind, an `Error` that names the provider that failed. */
export async function findDestination(options: ConnectionOptions, session: string): Promise<Destination> {
  const [url, token] = await Promise.all([ask('url', options.url), ask('token', options.token)])
  if (typeof url !== 'string' || !/^(wss?|https?):\/\/./.test(url))
    throw new Misuse(`url: expected an address such as wss://…, or a function that gives one; got ${show(url)}.`)
  if (token !== undefined && token !== null && typeof token !== 'string')
    throw new Misuse(`token: expected a function that gives a text or null; got ${show(token)}.`)
  return { url, protocols: formatOffer({ session, token: token ?? null }) } // [TL-HS-1]
}

async function ask(name: 'url' | 'token', option: unknown): Promise<unknown> {
  if (typeof option !== 'function') {
    if (name === 'url' || option === undefined) return option
    throw new Misuse(`token: expected a function that gives a text or null; got ${show(option)}.`)
  }
  try {
    return await option()
  } catch (cause) {
    throw new Error(`${name}() failed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

/** A token is never shown. */
function show(value: unknown): string {
  return typeof value === 'string' && /^(\/|[a-z]+:)/.test(value) ? JSON.stringify(value) : typeof value
}
