import type { Fallback } from '../connection/fallback.ts'
import { ConfigurationError } from '../session/machine/settings.ts'
import { Moves } from './moves.ts'
import { MovingTransport } from './moving-transport.ts'

/** Options of `overHttp`. */
export interface HttpOptions {
  /**
   * Sends a request, as the `fetch` of the platform does. React Native and some workers need one of their own.
   *
   * @default the runtime's `fetch`
   */
  readonly fetch?: typeof fetch
}

/**
 * A way to the server over HTTP, for the option `fallback` of `createConnection`. `url` is the address of the line's
 * HTTP API or function URL, such as `https://abc.lambda-url.eu-central-1.on.aws`, or a function that returns it; frames
 * are posted to its path `/frames`. Events are polled about once a second while people are active.
 *
 * Throws a `ConfigurationError` for an address that is not `http` or `https`, and when the runtime has no `fetch` and
 * none is given.
 */
export function overHttp(url: string | (() => string | Promise<string>), options: HttpOptions = {}): Fallback {
  if (typeof url !== 'function') toFramesUrl(url)
  const framesUrl = async () => toFramesUrl(typeof url === 'string' ? url : await url())
  return {
    createTransports(session) {
      const fetch = options.fetch ?? session.environment.fetch ?? globalThis.fetch
      if (fetch === undefined)
        throw new ConfigurationError('fetch: expected a function, got none. Pass overHttp(url, { fetch }).')
      const moves = new Moves(session, { fetch: (input, init) => fetch(input, init), url: framesUrl })
      return (transport) => new MovingTransport(moves, transport)
    },
  }
}

/** The address to which frames are posted. */
function toFramesUrl(url: unknown): string {
  const parsed = typeof url === 'string' && /^https?:\/\//i.test(url) ? parse(url) : undefined
  if (parsed === undefined) {
    const got = typeof url === 'string' ? JSON.stringify(url) : typeof url
    throw new ConfigurationError(`overHttp: expected a URL such as https://…, got ${got}. Correct its argument.`)
  }
  parsed.hash = ''
  if (!parsed.pathname.endsWith('/frames')) parsed.pathname = `${parsed.pathname.replace(/\/+$/, '')}/frames`
  return parsed.href
}

function parse(url: string): URL | undefined {
  try {
    return new URL(url)
  } catch {
    return undefined
  }
}
