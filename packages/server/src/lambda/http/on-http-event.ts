import type { InvocationContext } from '../../runtime/context/runtime-context.ts'
import type { AdmissionOptions } from '../authorize/admission.ts'
import { thrownEntry } from '../events/thrown-entry.ts'
import { checkOrigin, mayUseCookies, type OriginRights, preflight, readHeaders } from './cors.ts'
import { onFrames } from './frames.ts'
import { type HttpEvent, type HttpRequest, toHttpRequest } from './http-event.ts'
import { type HttpResponse, refusal } from './http-response.ts'
import { onRead, type ReadOptions } from './read.ts'

/** Answers an HTTP request. Never throws: a function that fails would answer without the headers that a page needs. */
export async function onHttpEvent(
  context: InvocationContext,
  admission: AdmissionOptions,
  event: HttpEvent,
  options: ReadOptions = {},
): Promise<HttpResponse> {
  const request = toHttpRequest(event)
  const origin = await checkOrigin(request, admission.allowsOrigin, context.telemetry)
  const response = await respond(context, admission, { request, origin, options }).catch((thrown: unknown) => {
    context.telemetry.log(thrownEntry('An HTTP request failed.', { path: request.path }, thrown))
    const message = 'The service is temporarily unavailable. Send the request again.'
    return refusal(503, { reason: 'unavailable', message, headers: { 'retry-after': '1' } })
  })
  const headers = { ...response.headers, ...origin.headers }
  return {
    ...response,
    headers: readPath.test(request.path) ? readHeaders(request, { ...response, headers }) : headers,
  }
}

/** A path may have the name of a stage or a base path in front. */
const framesPath = /^(?:\/[^/]+)*\/frames$/
const readPath = /^(?:\/[^/]+)*\/read\/([^/]+)$/
const accepted = {
  frames: {
    methods: 'POST, OPTIONS',
    headers: 'Authorization, Content-Type, Trunkline-Connection, Trunkline-Session',
  },
  read: { methods: 'GET, HEAD, OPTIONS', headers: 'Authorization, If-None-Match, Trunkline-Session' },
}

interface Asked {
  readonly request: HttpRequest
  readonly origin: OriginRights
  readonly options: ReadOptions
}

async function respond(
  context: InvocationContext,
  admission: AdmissionOptions,
  { request, origin, options }: Asked,
): Promise<HttpResponse> {
  const { method, path } = request
  const read = readPath.exec(path)?.[1]
  if (read === undefined && !framesPath.test(path))
    return refusal(404, { reason: 'path', message: 'Expected the path /frames or /read/<procedure>, got another.' })
  if (origin.status === 'foreign')
    return refusal(403, {
      reason: 'origin',
      message: 'Expected a page of an allowed origin, got another. Add it to `origins`.',
    })
  const { methods, headers } = read === undefined ? accepted.frames : accepted.read
  if (method === 'OPTIONS') return preflight(origin, { methods, headers })
  if (!methods.split(', ').includes(method)) return wrongMethod(methods, method)
  const admitted = { request, mayUseCookies: mayUseCookies(origin, request) }
  if (read === undefined) return onFrames(context, admission, admitted)
  const procedure = decode(read)
  if (procedure === undefined)
    return refusal(400, { reason: 'malformed', message: 'Expected a percent-encoded path of UTF-8, got other bytes.' })
  return onRead(context, admission, { ...admitted, path: procedure }, options)
}

function wrongMethod(allow: string, got: string): HttpResponse {
  const expected = allow.replace(/, OPTIONS$/, '').replace(', ', ' or ')
  return refusal(405, { reason: 'method', message: `Expected ${expected}, got ${got}.`, headers: { allow } })
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}
