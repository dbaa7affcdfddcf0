import { withDocs } from '@trunkline/protocol'
/**
 * Decides about the `Origin` header of a handshake, also about `null`. Only `true` allows it. If it throws or rejects,
 * the origin is refused.
 */
export type OriginCheck = (origin: string) => boolean | Promise<boolean>

/** Exact origins, patterns such as `https://*.example.com` (`*` is one label), and functions. */
export type Origins = readonly (string | OriginCheck)[] | OriginCheck

/** Receives what an `OriginCheck` threw. */
export type OnOriginError = (thrown: unknown) => void

/** The log line for a page whose origin is not allowed. */
export const foreignOrigin =
  'Refused a page of an origin that `origins` does not allow. Add it to createLambdaHandlers({ origins }) or to TRUNKLINE_ORIGINS.'

/** Whether an origin is allowed. Never rejects. */
export type AllowsOrigin = (origin: string, onError: OnOriginError) => Promise<boolean>

/**
 * Parses a list of origins. `source` names the list in errors. Throws a `TypeError` for an origin that no browser
 * sends, and for one that would allow pages of anyone.
 */
export function parseOrigins(origins: Origins, source: string): AllowsOrigin {
  if (typeof origins !== 'function' && !Array.isArray(origins))
    throw new TypeError(
      withDocs(
        'options',
        `Expected an array of origins or a function in ${source}, got ${show(origins)}. List the origins of your pages.`,
      ),
    )
  const checks = [origins].flat().map((origin) => toCheck(origin, source))
  return async (origin, onError) => {
    for (const check of checks) {
      try {
        if ((await check(origin)) === true) return true
      } catch (thrown) {
        onError(thrown)
      }
    }
    return false
  }
}

/**
 * Allows the origins of the options and of the environment. The variable is read again if it has changed. Throws a
 * `TypeError` for an origin that no browser sends.
 */
export function createOriginCheck(origins: Origins, envPrefix: string): () => AllowsOrigin {
  const name = `${envPrefix}_ORIGINS`
  const allowsGiven = parseOrigins(origins, '`origins`')
  let read: { readonly text: string; readonly allows: AllowsOrigin } | undefined
  const allowsRead = () => {
    const text = process.env[name] ?? ''
    if (read?.text !== text) {
      const listed = text.split(',').flatMap((origin) => origin.trim() || [])
      read = { text, allows: parseOrigins(listed, name) }
    }
    return read.allows
  }
  allowsRead()
  return () => {
    const allows = allowsRead()
    return async (origin, onError) => (await allows(origin, onError)) || allowsGiven(origin, onError)
  }
}

function toCheck(origin: string | OriginCheck, source: string): OriginCheck {
  if (typeof origin === 'function') return origin
  const advice = adviceFor(origin)
  if (advice !== undefined)
    throw new TypeError(
      withDocs(
        'options',
        `Expected an origin as browsers send it in ${source}, such as https://app.example, got ${show(origin)}. ${advice}`,
      ),
    )
  if (!origin.includes('*')) return (sent) => sent === origin
  const [before = '', after = ''] = origin.split('*')
  return (sent) =>
    sent.length > before.length + after.length &&
    sent.startsWith(before) &&
    sent.endsWith(after) &&
    label.test(sent.slice(before.length, sent.length - after.length))
}

const label = /^[a-z0-9_-]{1,63}$/
const custom = /^[a-z][a-z0-9+.-]*:\/\/[A-Za-z0-9._~-]+(:\d{1,5})?$/ // hosts of custom schemes keep their case
const web = /^https?:/i
/** Schemes without pages, or whose pages have the origin `null`. */
const withoutOrigin = /^(about|blob|data|file|ftp|javascript|mailto|wss?):/i

/** What to write instead of an invalid origin. Undefined for a valid one. */
function adviceFor(origin: unknown): string | undefined {
  if (typeof origin !== 'string') return 'Use a string or a function.'
  if (origin === '*')
    return 'It would let every page connect. List the origins, use https://*.example.com for one label, or a function.'
  if (origin === 'null') return 'Sandboxed pages and local files of anybody send it. Use a function to decide about it.'
  if (/^wss?:/i.test(origin)) return 'Use the address of the page, which begins with https:// or http://.'
  if (origin.includes('*')) return adviceForPattern(origin)
  if (web.test(origin)) return adviceForWeb(origin)
  if (custom.test(origin) && !withoutOrigin.test(origin)) return undefined
  return 'Use a scheme in lower case, :// and a host, without a path.'
}

function adviceForWeb(origin: string): string | undefined {
  const sent = URL.canParse(origin) ? new URL(origin).origin : undefined
  if (sent === origin) return undefined
  return sent === undefined ? 'Use https:// and the host of the page.' : `Use ${sent}.`
}

const positionIn = 'trunkline-any-label' // replaces `*`, so that the pattern can be validated as an origin

/**
 * A pattern has one `*`, for a whole label of a host, and at least two labels after it: `https://*.com` would allow
 * anyone.
 */
function adviceForPattern(pattern: string): string | undefined {
  const rule = '* is one whole label and needs two labels after it, as in https://*.example.com.'
  if (!/^https?:\/\/(?:[^*/?#@:]+\.)?\*(?:\.[^.*/?#@:]+){2,}(?::\d+)?\/?$/i.test(pattern))
    return `In a pattern, ${rule} Use a function for anything else.`
  const advice = adviceForWeb(pattern.replace('*', positionIn))
  return advice?.replace(positionIn, '*')
}

function show(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}
