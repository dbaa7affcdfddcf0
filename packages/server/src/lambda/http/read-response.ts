import { TRPCError } from '@trpc/server'
import { getHTTPStatusCodeFromError } from '@trpc/server/http'
import { defined } from '@trunkline/protocol'
import type { Outcome } from '../../define/stream-rules.ts'
import { sha256 } from '../../ports/sha256.ts'
import type { InvocationContext } from '../../runtime/context/runtime-context.ts'
import type { Server } from '../../runtime/context/served-application.ts'
import { toTRPCError } from '../../runtime/context/to-trpc-error.ts'
import { TrunklineError } from '../../runtime/context/trunkline-error.ts'
import { errorBody, rejectRequest, withoutSecrets } from '../../runtime/encoding/error-response.ts'
import { outcomeError } from '../../runtime/encoding/result-frames.ts'
import type { Encoded, ReadEncoder } from '../../runtime/reads/encoder.ts'
import { formatOffset } from '../../runtime/reads/offset.ts'
import type { LogEnd, ReadGap, ReadResult } from '../../runtime/reads/read-log.ts'
import { emptyResponse, type HttpResponse, refusal } from './http-response.ts'

type Headers = HttpResponse['headers']
type Page = Extract<ReadResult, { readonly status: 'page' }>

/** A page, or 304 if the reader has it. `etags` is `If-None-Match`. */
// [TL-READ-7]
export function pageResponse(
  server: Server,
  { page, encoder }: { readonly page: Page; readonly encoder: ReadEncoder },
  { headers = {}, etags }: { readonly headers?: Headers; readonly etags?: string | undefined },
): HttpResponse {
  const body = encoder.body(page.messages)
  const all = { ...headers, ...positionHeaders(server, page), etag: etagOf(body, page) }
  if (etags !== undefined && hasTag(etags, all.etag)) return { ...emptyResponse(all), statusCode: 304 }
  const typed = { ...all, 'content-type': encoder.contentType }
  if (typeof body === 'string') return { statusCode: 200, headers: typed, body }
  return { statusCode: 200, headers: typed, body: Buffer.from(body).toString('base64'), isBase64Encoded: true }
}

/** A wait that has ended without messages. */
export function silentResponse(server: Server, page: Page, headers: Headers): HttpResponse {
  return emptyResponse({ ...headers, ...positionHeaders(server, page) })
}

/** The answer to HEAD. */
export function endResponse(server: Server, end: LogEnd, { contentType }: ReadEncoder): HttpResponse {
  const headers = { ...offsetHeader(end.next), ...outcomeHeaders(server, end.outcome), 'content-type': contentType }
  return { statusCode: 200, headers, body: '' }
}

/** Says why nothing can be read at a position, and where reading goes on. [TL-READ-5] */
export function gapResponse({ reason, next }: Extract<ReadResult, { readonly status: 'gap' }>): HttpResponse {
  const message = `${gapWords[reason]} Go on at the offset in Stream-Next-Offset.`
  return refusal(410, { reason, message, headers: { 'stream-gap': reason, ...offsetHeader(next) } })
}

const gapWords: Readonly<Record<ReadGap, string>> = {
  expired: 'Messages after this offset are past their retention.',
  'new-epoch': 'The log does not contain this offset: it began anew, or was restored.',
  restarted: 'The stream began again, and its messages before are void.',
  erased: 'Messages after this offset were erased.',
}

/** Messages that could not be made, in tRPC's error shape. [TL-READ-6] */
export function faultResponse(
  { server }: InvocationContext,
  path: string,
  { thrown, next }: Extract<ReadResult, { readonly status: 'fault' }>,
): HttpResponse {
  const body = errorBody(server, { id: null, type: 'subscription', path, cause: 'delivery' }, thrown)
  return errorResponse(500, body, offsetHeader(next))
}

/** What was thrown, in tRPC's error shape and with its status. */
export function thrownResponse(context: InvocationContext, path: string, thrown: unknown): HttpResponse {
  const error = toTRPCError(thrown)
  const { failure } = rejectRequest(context, { id: null, type: 'subscription', path, cause: 'frame' }, error)
  const challenge = error.code === 'UNAUTHORIZED' ? { 'www-authenticate': 'Bearer' } : {}
  return errorResponse(statusOf(error), failure, { ...challenge, ...retryHeader(error) })
}

/** The error of a caller that may not read. */
export function refusedError(reason: string): TRPCError {
  return new TRPCError({ code: 'UNAUTHORIZED', message: reason })
}

function statusOf(error: TRPCError): number {
  const isBusy = error instanceof TrunklineError && (error.line === 'FUNCTION_FAILED' || error.line === 'TIMEOUT')
  return isBusy ? 503 : getHTTPStatusCodeFromError(error)
}

function retryHeader(error: TRPCError): Headers {
  if (!(error instanceof TrunklineError) || error.retry !== 'later' || error.line === 'NEEDS_SOCKET') return {}
  return { 'retry-after': String(Math.max(1, Math.ceil((error.retryAfterMs ?? 1_000) / 1_000))) }
}

function errorResponse(statusCode: number, body: object, headers: Headers): HttpResponse {
  return { statusCode, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
}

function positionHeaders(server: Server, { next, isUpToDate, outcome }: Page): Headers {
  return {
    ...offsetHeader(next),
    ...(isUpToDate && { 'stream-up-to-date': 'true' }),
    ...outcomeHeaders(server, outcome),
  }
}

function offsetHeader(next: LogEnd['next']): Headers {
  return { 'stream-next-offset': next === 'start' ? '-1' : formatOffset(next) }
}

function outcomeHeaders(server: Server, outcome: Outcome | undefined): Headers {
  if (outcome === undefined) return {}
  const words = outcomeWords(server, outcome)
  const error = words && { 'stream-outcome-error': ascii(JSON.stringify(words)) }
  return { 'stream-closed': 'true', 'stream-outcome': outcome.type, ...error }
}

const mostWords = 1_024

/** Why a stream has failed or was lost, in words for people. Undefined for one that ended well. */
export function outcomeWords(server: Server, outcome: Outcome) {
  const error = outcomeError(outcome)
  if (error === undefined) return undefined
  const { code, message } = withoutSecrets(server, error)
  return { code, message: message.slice(0, mostWords) }
}

/** JSON text without characters that a header must not have. */
function ascii(json: string): string {
  return json.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Names a response by all that may differ between readers of the same range: its body, its end and its closure. */
function etagOf(body: Encoded, { next, isUpToDate, outcome }: Page): string {
  const rest = JSON.stringify(defined({ next: formatOffset(next), isUpToDate, outcome }))
  return `"${sha256(body, `\n${rest}`).toString('base64url').slice(0, 27)}"`
}

function hasTag(etags: string, etag: string): boolean {
  return etags.split(',').some((each) => each.trim() === '*' || each.trim().replace(/^W\//, '') === etag)
}
