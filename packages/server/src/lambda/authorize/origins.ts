/** Decides about the `Origin` header of a handshake, `null` included. Only `true` lets it in; a throw or a rejection refuses it. */
export type OriginCheck = (origin: string) => boolean | Promise<boolean>

/** Exact origins, patterns such as `https://*.example.com` (`*` is one label), and functions. */
export type Origins = readonly (string | OriginCheck)[] | OriginCheck

/** An `OriginCheck` that threw, or rejected. */
export type OnOriginError = (thrown: unknown) => void

/** Whether some origin of a list allows a page's. Never rejects. */
export type AllowsOrigin = (origin: string, onError: OnOriginError) => Promise<boolean>

/**
 * Checks origins and makes the decision of them. `source` names where they were written, for the error. Throws a `TypeError` for an origin that no browser
 * sends, and for one that would let in pages of strangers.
 */
export function parseOrigins(origins: Origins, source: string): AllowsOrigin {
  if (typeof origins !== 'function' && !Array.isArray(origins))
    throw new TypeError(`Expected an array of origins or a function in ${source}, got ${show(origins)}.`)
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

function toCheck(origin: string | OriginCheck, source: string): OriginCheck {
  if (typeof origin === 'function') return origin
  const advice = adviceFor(origin)
  if (advice !== undefined)
    throw new TypeError(
      `Expected an origin as browsers send it in ${source}, such as https://app.example, got ${show(origin)}. ${advice}`,
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
/** Schemes whose pages have the origin `null`, or no pages. */
const withoutOrigin = /^(about|blob|data|file|ftp|javascript|mailto|wss?):/i

/** What to write instead of an origin that is refused; undefined for a good one. */
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

const positionIn = 'trunkline-any-label' // takes the place of `*`, so that the rest can be checked as an origin

/** One `*`, for a whole label of a web page's host, with at least two labels after it: `https://*.com` would be anybody's. */
function adviceForPattern(pattern: string): string | undefined {
  const rule = '* stands for one whole label and needs two labels after it, as in https://*.example.com.'
  if (!/^https?:\/\/(?:[^*/?#@:]+\.)?\*(?:\.[^.*/?#@:]+){2,}(?::\d+)?\/?$/i.test(pattern))
    return `In a pattern, ${rule} Use a function for anything else.`
  const advice = adviceForWeb(pattern.replace('*', positionIn))
  return advice?.replace(positionIn, '*')
}

function show(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}
