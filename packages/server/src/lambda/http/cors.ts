import type { Recorder } from '../../ports/telemetry.ts'
import { recordDenied } from '../authorize/admission.ts'
import { type AllowsOrigin, foreignOrigin } from '../authorize/origins.ts'
import { thrownEntry } from '../events/thrown-entry.ts'
import type { HttpRequest } from './http-event.ts'
import { emptyResponse, type HttpResponse } from './http-response.ts'

/** How long a browser may keep the answer to a preflight, in seconds: the longest that all browsers keep. */
const maxAge = 7_200

/** What the `Origin` of a request means for it. `headers` go into every response. */
export interface OriginRights {
  readonly status: 'allowed' | 'absent' | 'foreign'
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Checks the `Origin` of a request, as at a handshake. This is done here and not by the gateway, whose own setting would
 * be a second list of origins. [TL-HTTP-6]
 */
export async function checkOrigin(
  { id, headers }: HttpRequest,
  allowsOrigin: AllowsOrigin,
  telemetry: Recorder,
): Promise<OriginRights> {
  const { origin } = headers
  if (origin === undefined) return { status: 'absent', headers: { vary: 'Origin' } }
  const onError = (thrown: unknown) => telemetry.log(thrownEntry('`origins` threw.', { origin }, thrown))
  if (await allowsOrigin(origin, onError))
    return {
      status: 'allowed',
      headers: {
        vary: 'Origin',
        'access-control-allow-origin': origin,
        'access-control-allow-credentials': 'true',
        'access-control-expose-headers': 'Retry-After, Trunkline-Connection',
      },
    }
  telemetry.log({ level: 'WARN', message: foreignOrigin, facts: { origin } })
  recordDenied({ status: 'foreign-origin', origin }, { connectionId: `http-${id}` }, telemetry)
  return { status: 'foreign', headers: { vary: 'Origin' } }
}

/** What a path takes of a page: its methods, and headers besides those that every page may send. */
interface Accepted {
  readonly methods: string
  readonly headers: string
}

/** The answer to a preflight of an allowed origin. */
export function preflight({ headers }: OriginRights, accepted: Accepted): HttpResponse {
  return emptyResponse({
    ...headers,
    'access-control-allow-methods': accepted.methods,
    'access-control-allow-headers': accepted.headers,
    'access-control-max-age': String(maxAge),
  })
}

/**
 * Whether the cookies of a request count: a page of an allowed origin sent it, or one of this very origin. A browser
 * adds cookies to requests of any page, and only these two headers say which page it was. [TL-HTTP-7]
 */
export function mayUseCookies({ status }: OriginRights, { headers }: HttpRequest): boolean {
  return status === 'allowed' || (status === 'absent' && headers['sec-fetch-site'] === 'same-origin')
}

/** The headers of a response that pages of allowed origins may see. */
const exposed =
  'ETag, Retry-After, Stream-Closed, Stream-Cursor, Stream-Gap, Stream-Next-Offset, Stream-Outcome, ' +
  'Stream-Outcome-Error, Stream-SSE-Data-Encoding, Stream-Up-To-Date'

/**
 * The headers of a response to a read. It is for one reader: nobody else may get it from a cache, and a cache must ask
 * again each time. [TL-READ-7]
 */
export function readHeaders(
  { method, query }: HttpRequest,
  { statusCode, headers }: HttpResponse,
): HttpResponse['headers'] {
  // What `now` is differs each time.
  const isKept = method === 'GET' && statusCode < 400 && query.get('offset') !== 'now'
  return {
    ...headers,
    'cache-control': isKept ? 'private, no-cache' : 'private, no-cache, no-store',
    'cross-origin-resource-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    vary: 'Origin, Authorization, Cookie',
    ...(headers['access-control-allow-origin'] !== undefined && { 'access-control-expose-headers': exposed }),
  }
}
