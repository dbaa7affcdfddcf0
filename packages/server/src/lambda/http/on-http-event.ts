import type { InvocationContext } from '../../runtime/context/runtime-context.ts'
import type { AdmissionOptions } from '../authorize/admission.ts'
import { thrownEntry } from '../events/thrown-entry.ts'
import { checkOrigin, mayUseCookies, type OriginRights, preflight } from './cors.ts'
import { onFrames } from './frames.ts'
import { type HttpEvent, type HttpRequest, toHttpRequest } from './http-event.ts'
import { type HttpResponse, refusal } from './http-response.ts'

/** Answers an HTTP request. Never throws: a function that fails would answer without the headers that a page needs. */
export async function onHttpEvent(
  context: InvocationContext,
  admission: AdmissionOptions,
  event: HttpEvent,
): Promise<HttpResponse> {
  const request = toHttpRequest(event)
  const origin = await checkOrigin(request, admission.allowsOrigin, context.telemetry)
  const response = await respond(context, admission, { request, origin }).catch((thrown: unknown) => {
    context.telemetry.log(thrownEntry('An HTTP request failed.', { path: request.path }, thrown))
    const message = 'The service is temporarily unavailable. Send the request again.'
    return refusal(503, { reason: 'unavailable', message, headers: { 'retry-after': '1' } })
  })
  return { ...response, headers: { ...response.headers, ...origin.headers } }
}

/** A path may have the name of a stage or a base path in front. */
const framesPath = /^(?:\/[^/]+)*\/frames$/
const framesMethods = 'POST, OPTIONS'

async function respond(
  context: InvocationContext,
  admission: AdmissionOptions,
  { request, origin }: { readonly request: HttpRequest; readonly origin: OriginRights },
): Promise<HttpResponse> {
  const { method, path } = request
  if (!framesPath.test(path))
    return refusal(404, { reason: 'path', message: 'Expected the path /frames, got another.' })
  if (origin.status === 'foreign')
    return refusal(403, {
      reason: 'origin',
      message: 'Expected a page of an allowed origin, got another. Add it to `origins`.',
    })
  if (method === 'OPTIONS') return preflight(origin, framesMethods)
  if (method !== 'POST')
    return refusal(405, {
      reason: 'method',
      message: `Expected POST, got ${method}.`,
      headers: { allow: framesMethods },
    })
  return onFrames(context, admission, { request, mayUseCookies: mayUseCookies(origin, request) })
}
