import { getTRPCErrorShape, TRPCError } from '@trpc/server'
import { type ErrorFrame, type FrameId, limits, type TrunklineErrorWire } from '@trunkline/protocol'
import type { Failure, Server } from '../context/served-application.ts'
import { toTRPCError } from '../context/to-trpc-error.ts'
import { mayHaveRun, TokenRefused, TrunklineError } from '../context/trunkline-error.ts'
import { ForeignInput } from '../procedures/transformer-mismatch.ts'

/** The request that an error answers, as far as it could be parsed. */
export interface RequestInfo {
  readonly id: FrameId | null
  readonly jsonrpc?: '2.0'
  readonly type: 'query' | 'mutation' | 'subscription' | 'unknown'
  readonly path?: string
  readonly input?: unknown
  readonly ctx?: unknown
  readonly cause: Failure['cause']
  readonly traceparent?: string
}

/**
 * An error response as text. Also reports the error to `onError`. Never throws, whatever was thrown and even if the
 * router's formatter throws.
 */
export function errorText(server: Server, request: RequestInfo, thrown: unknown): string {
  return withId(request, errorBody(server, request, thrown))
}

/**
 * The same without its id: `{"error":…,"line"?:…}`, the router's error shape, and Trunkline's code and retry hint when
 * Trunkline failed.
 */
export function errorBody(server: Server, request: RequestInfo, thrown: unknown): string {
  const error = toTRPCError(thrown)
  const { path, cause, traceparent } = request
  server.report({ error, path, cause, ...(traceparent === undefined ? {} : { traceparent }) }) // [TL-TRACE-2]
  try {
    const text = bodyOf(server, request, error)
    if (Buffer.byteLength(text) <= limits.messageBytes.value - idRoom) return text
    // [TL-LIM-3] Such as the error of a validator that lists each of ten thousand members.
    const failure = new TrunklineError(
      'TOO_LARGE',
      'The error of this call is larger than one message. Shorten it in the error formatter or the validator.',
      {
        mayHaveRun: mayHaveRun(error),
      },
    )
    return bodyOf(server, { ...request, input: undefined }, failure)
  } catch (formatterError) {
    server.report({ error: toTRPCError(formatterError), path: request.path, cause: request.cause })
    return fallbackBody
  }
}

const idRoom = 1_024 // an id has at most 128 bytes, and each of them at most six in JSON

/** Puts the request's id before a response body. */
// [TL-STOCK-9]
export function withId({ id, jsonrpc }: Pick<RequestInfo, 'id' | 'jsonrpc'>, body: string): string {
  const version = jsonrpc === undefined ? '' : '"jsonrpc":"2.0",'
  return `{"id":${JSON.stringify(id)},${version}${body.slice(1)}`
}

function bodyOf(server: Server, request: RequestInfo, error: TRPCError): string {
  const line = toTrunklineError(error)
  const body: Omit<ErrorFrame, 'id'> = {
    error: errorShape(server, request, error),
    ...(line === undefined ? {} : { line }),
    ...(error instanceof TokenRefused ? { refused: withoutSecrets(server, error).message } : {}),
  }
  return JSON.stringify(body)
}

/** The response when the error's shape cannot be made. */
const fallbackBody = JSON.stringify({
  error: { message: 'Internal server error', code: -32_603, data: { code: 'INTERNAL_SERVER_ERROR', httpStatus: 500 } },
})

/**
 * The router's error shape, through its formatter and transformer. [TL-ERR-1] [TL-ERR-3] It never has a stack, a table
 * name or an ARN [LAW-ERRORS].
 */
export function errorShape(server: Server, request: Omit<RequestInfo, 'id' | 'cause'>, error: TRPCError) {
  // `isDev` adds the stack, and a function's NODE_ENV is unset.
  const config = { ...server.router._def._config, isDev: false }
  const { type, path, input, ctx } = request
  const shape = getTRPCErrorShape({ config, error: withoutSecrets(server, error), type, path, input, ctx })
  return error instanceof ForeignInput ? shape : config.transformer.output.serialize(shape)
}

/** Replaces the message by the code when the message may name tables, accounts or roles. */
function withoutSecrets(server: Server, error: TRPCError): TRPCError {
  if (!server.isSecret(error)) return error
  return new TRPCError({
    code: error.code,
    message: error.code === 'INTERNAL_SERVER_ERROR' ? 'Internal server error' : error.code,
  })
}

// [TL-ERR-2]
function toTrunklineError(error: TRPCError): TrunklineErrorWire | undefined {
  if (!(error instanceof TrunklineError)) return undefined
  return {
    code: error.line,
    retry: error.retry,
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    mayHaveRun: mayHaveRun(error),
  }
}
