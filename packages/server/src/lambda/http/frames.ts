import { defined, sizeText } from '@trunkline/protocol'
import {
  type Gone,
  type HttpSender,
  nameHttpConnection,
  openHttpConnection,
  readHttpConnection,
} from '../../runtime/connections/http-connection.ts'
import type { InvocationContext } from '../../runtime/context/runtime-context.ts'
import { type DecodedRequest, decodeRequest, receiveRequest, toHttpServer } from '../../runtime/receive-http.ts'
import type { AdmissionOptions, CallerIdentity } from '../authorize/admission.ts'
import {
  type AdmittedRequest,
  callerOfRequest,
  identifySender,
  recordRefused,
  sessionFlaw,
  sessionOf,
} from './caller.ts'
import { type HttpRequest, readBody } from './http-event.ts'
import { framesResponse, type HttpResponse, refusal } from './http-response.ts'

/** Answers `POST /frames`. Nothing runs for a request that is refused. Throws what `authorize` and the store throw. */
export async function onFrames(
  context: InvocationContext,
  admission: AdmissionOptions,
  admitted: AdmittedRequest,
): Promise<HttpResponse> {
  const { request } = admitted
  const checked = checkRequest(context, request)
  if (checked.status === 'refused') return checked.response
  const { session, decoded } = checked
  const connectionId = request.headers['trunkline-connection']
  if (connectionId !== undefined) {
    if (session === undefined) return malformed(`Expected a Trunkline-Session with Trunkline-Connection, got none.`)
    const found = await readHttpConnection(context, { connectionId, session })
    return found.status === 'open' ? answer(context, found.sender, decoded) : gone(found)
  }
  if (decoded.hasHello && session === undefined)
    return malformed('Expected a Trunkline-Session of 16 to 64 random characters with hello, got none.')
  const base = await identifySender(context, admission, admitted)
  const sender = await toSender(context, { request, session, decoded }, base)
  const isRecorded = sender.caller.via === 'http' && base.refused === undefined // where it was opened
  if (!isRecorded) recordRefused(context, sender.caller)
  const isOpened = sender.caller.via === 'http' && sender.caller.refused === undefined
  const headers = isOpened ? { 'trunkline-connection': sender.caller.connectionId } : {}
  return answer(context, sender, decoded, headers)
}

/** To a request without a connection, whose caller was kicked meanwhile. */
const endedMessage = 'The server has ended this request, since its caller was kicked.'

/** Runs the frames of a sender. */
async function answer(
  context: InvocationContext,
  sender: HttpSender,
  decoded: DecodedRequest,
  headers: HttpResponse['headers'] = {},
): Promise<HttpResponse> {
  const answered = await receiveRequest(context, sender, decoded)
  if (answered.status === 'answered') return framesResponse(answered.body, headers)
  if (sender.caller.via === 'request') return refusal(410, { reason: 'kicked', message: endedMessage })
  const found = await readHttpConnection(context, sender.caller)
  return gone(found.status === 'open' ? { status: 'unknown' } : found)
}

/** The response for a connection that cannot be used. `message` and `until` say why the server has ended it. */
function gone(found: Gone): HttpResponse {
  if (found.status !== 'kicked') return refusal(410, { reason: found.status })
  const { reason: message, until } = found.kicked
  return refusal(410, { reason: 'kicked', message, ...defined({ until }) })
}

interface CheckedRequest {
  readonly session: string | undefined
  readonly decoded: DecodedRequest
}

/** The parts of a request that can be checked without reading anything. */
// [TL-HTTP-1] [TL-HTTP-7] [TL-HTTP-15]
function checkRequest(
  { server }: InvocationContext,
  request: HttpRequest,
): ({ readonly status: 'valid' } & CheckedRequest) | { readonly status: 'refused'; readonly response: HttpResponse } {
  const refused = (response: HttpResponse) => ({ status: 'refused' as const, response })
  const [type = ''] = (request.headers['content-type'] ?? '').split(';')
  if (type.trim().toLowerCase() !== 'application/json')
    return refused(
      refusal(415, {
        reason: 'content-type',
        message: `Expected Content-Type: application/json, got ${type === '' ? 'none' : 'another'}.`,
      }),
    )
  const { maxMessageBytes, maxBatchSize } = toHttpServer(server)
  const { bytes, text } = readBody(request)
  if (bytes > maxMessageBytes)
    return refused(refusal(413, { reason: 'too-large', message: sizeText(bytes, maxMessageBytes) }))
  const session = sessionOf(request)
  if (session === null) return refused(malformed(sessionFlaw))
  if (text === undefined) return refused(malformed('Expected a body of UTF-8, got other bytes.'))
  const decoded = decodeRequest(text, { maxBatchSize })
  return decoded.ok ? { status: 'valid', session, decoded: decoded.request } : refused(malformed(decoded.reason))
}

function malformed(message: string): HttpResponse {
  return refusal(400, { reason: 'malformed', message })
}

/** The sender of a request without `Trunkline-Connection`: a connection that `hello` opens, or the request alone. */
async function toSender(
  context: InvocationContext,
  { request, session, decoded }: CheckedRequest & { readonly request: HttpRequest },
  identity: CallerIdentity,
): Promise<HttpSender> {
  if (!decoded.hasHello || session === undefined)
    return { caller: await callerOfRequest(context, request, { identity, session }), expires: 0 } // it has no rows
  const shared = { ...identity, extensions: true, expectsParams: false, namesSessions: true }
  return openHttpConnection(context, { ...shared, connectionId: nameHttpConnection(context), session, via: 'http' })
}
