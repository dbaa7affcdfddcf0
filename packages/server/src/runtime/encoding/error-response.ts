import { getTRPCErrorShape, TRPCError } from '@trpc/server'
import { type ErrorFrame, type FrameId, limits, type TrunklineErrorWire } from '@trunkline/protocol'
import type { Failure, Server } from '../context/served-application.ts'
import { toTRPCError } from '../context/to-trpc-error.ts'
import { mayHaveRun, TokenRefused, TrunklineError } from '../context/trunkline-error.ts'
import { ForeignInput } from '../procedures/transformer-mismatch.ts'

/** What was asked, as far as it was understood. */
export interface Asked {
  readonly id: FrameId | null
  readonly jsonrpc?: '2.0'
  readonly type: 'query' | 'mutation' | 'subscription' | 'unknown'
  readonly path?: string
  readonly input?: unknown
  readonly ctx?: unknown
  readonly cause: Failure['cause']
  readonly traceparent?: string
}

/** An answer that says what failed, as text. Tells `onError` too. Never throws, whatever was thrown and whatever the router's formatter does. */
export function errorText(server: Server, asked: Asked, thrown: unknown): string {
  return withId(asked, errorBody(server, asked, thrown))
}

/** The same without its id: `{"error":…,"line"?:…}`, the router's error shape and the line's own view when the line failed. */
export function errorBody(server: Server, asked: Asked, thrown: unknown): string {
  const error = toTRPCError(thrown)
  const { path, cause, traceparent } = asked
  server.report({ error, path, cause, ...(traceparent === undefined ? {} : { traceparent }) }) // [TL-TRACE-2]
  try {
    const text = bodyOf(server, asked, error)
    if (Buffer.byteLength(text) <= limits.messageBytes.value - idRoom) return text
    // [TL-LIM-3] A validator that names each of ten thousand members makes such a one.
    const failure = new TrunklineError('TOO_LARGE', 'The error that answers this is larger than the gateway carries.', {
      mayHaveRun: mayHaveRun(error),
    })
    return bodyOf(server, { ...asked, input: undefined }, failure)
  } catch (broken) {
    server.report({ error: toTRPCError(broken), path: asked.path, cause: asked.cause })
    return bareBody
  }
}

const idRoom = 1_024 // an id has at most 128 bytes, each of them six at most as JSON

/** Puts the id of the frame that asked before an answer's body. */
// [TL-STOCK-9]
export function withId({ id, jsonrpc }: Pick<Asked, 'id' | 'jsonrpc'>, body: string): string {
  const version = jsonrpc === undefined ? '' : '"jsonrpc":"2.0",'
  return `{"id":${JSON.stringify(id)},${version}${body.slice(1)}`
}

function bodyOf(server: Server, asked: Asked, error: TRPCError): string {
  const line = toTrunklineError(error)
  const body: Omit<ErrorFrame, 'id'> = {
    error: errorShape(server, asked, error),
    ...(line === undefined ? {} : { line }),
    ...(error instanceof TokenRefused ? { refused: withoutSecrets(server, error).message } : {}),
  }
  return JSON.stringify(body)
}

/** What is left to say when the error's own shape cannot be said. */
const bareBody = JSON.stringify({
  error: { message: 'Internal server error', code: -32_603, data: { code: 'INTERNAL_SERVER_ERROR', httpStatus: 500 } },
})

/** The router's shape of an error, through its formatter and transformer. [TL-ERR-1] [TL-ERR-3] Never a stack, a table name or an ARN [LAW-ERRORS]. */
export function errorShape(server: Server, asked: Omit<Asked, 'id' | 'cause'>, error: TRPCError) {
  const config = { ...server.router._def._config, isDev: false } // isDev adds the stack, and a function's NODE_ENV is unset
  const { type, path, input, ctx } = asked
  const shape = getTRPCErrorShape({ config, error: withoutSecrets(server, error), type, path, input, ctx })
  return error instanceof ForeignInput ? shape : config.transformer.output.serialize(shape)
}

/** The same code without the words, where these name tables, accounts or roles. */
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
