import { getTRPCErrorShape, TRPCError } from '@trpc/server'
import { getHTTPStatusCodeFromError } from '@trpc/server/http'
import { TRPC_ERROR_CODES_BY_KEY } from '@trpc/server/rpc'
import { defined, limits, type TrunklineErrorWire } from '@trunkline/protocol'
import type { InvocationContext } from '../context/runtime-context.ts'
import type { Failure, Server } from '../context/served-application.ts'
import { toTRPCError } from '../context/to-trpc-error.ts'
import { mayHaveRun, TokenRefused, TrunklineError } from '../context/trunkline-error.ts'
import { PartitionedSubscription, withPartitions } from '../procedures/partitioned-subscription.ts'
import { ForeignInput, warnOfMismatch } from '../procedures/transformer-mismatch.ts'
import { type Address, type ErrorBody, sizeOf } from './encode.ts'

/** The request that an error answers, as far as it could be parsed. */
export interface RequestInfo extends Address {
  readonly type: 'query' | 'mutation' | 'subscription' | 'unknown'
  readonly path?: string | undefined
  readonly input?: unknown
  readonly ctx?: unknown
  readonly cause: Failure['cause']
  readonly traceparent?: string | undefined
}

/** A frame that answers with an error. */
export type ErrorAnswer = Address & { readonly failure: ErrorBody }

/**
 * The error response to a frame that failed without running a query or mutation (`runCall` measures its own errors).
 * Never throws.
 */
export function rejectRequest(context: InvocationContext, request: RequestInfo, thrown: unknown): ErrorAnswer {
  const { server, telemetry } = context
  const error = toTRPCError(thrown)
  warnOfMismatch(context, { error, input: request.input, path: request.path })
  const outcome = error instanceof TrunklineError ? error.line : codeOf(error)
  if (!isAnswer(error)) telemetry.measure('refusedFrames', 1, { outcome })
  return errorFrame(server, request, error)
}

/** Whether an error is what the client asked for, and not a failure. */
function isAnswer(error: TRPCError): boolean {
  return error instanceof PartitionedSubscription && error.isAsked
}

/** An error response. Reports the error to `onError`. Never throws, whatever was thrown. */
export function errorFrame(server: Server, request: RequestInfo, thrown: unknown): ErrorAnswer {
  return { ...addressOf(request), failure: errorBody(server, request, thrown) }
}

/** The id of a request and its version of JSON-RPC, which every answer repeats. */
export function addressOf({ id, jsonrpc }: Address): Address {
  return jsonrpc === undefined ? { id } : { id, jsonrpc }
}

/**
 * The same without the id: the router's error shape, and Trunkline's code and retry hint when Trunkline failed. Never
 * throws, even if the router's formatter throws or returns what is not JSON.
 */
export function errorBody(server: Server, request: RequestInfo, thrown: unknown): ErrorBody {
  const error = toTRPCError(thrown)
  const { path, cause, traceparent } = request
  if (!isAnswer(error))
    server.report(traceparent === undefined ? { error, path, cause } : { error, path, cause, traceparent }) // [TL-TRACE-2]
  try {
    const body = bodyOf(server, request, error)
    if (sizeOf(body) <= limits.messageBytes.value - idBytes) return body
    // [TL-LIM-3] Such as the error of a validator that lists each of ten thousand members.
    const tooLarge = new TrunklineError(
      'TOO_LARGE',
      'The error of this call is larger than one message. Shorten it in the error formatter or the validator.',
      { mayHaveRun: mayHaveRun(error) },
    )
    const short = bodyOf(server, { ...request, input: undefined }, tooLarge)
    sizeOf(short) // throws if it is not JSON
    return short
  } catch (formatterError) {
    server.report({ error: toTRPCError(formatterError), path, cause })
    return fallbackBody
  }
}

/** The same for an error that was reported before. */
export function silentErrorBody(
  server: Server,
  request: Omit<RequestInfo, 'id' | 'cause'>,
  error: TRPCError,
): Pick<ErrorBody, 'error' | 'line'> {
  return { error: errorShape(server, request, error), ...defined({ line: toTrunklineError(error) }) }
}

const idBytes = 1_024 // an id has at most 128 bytes, and each of them at most six in JSON

function bodyOf(server: Server, request: RequestInfo, error: TRPCError): ErrorBody {
  const shape = errorShape(server, request, error)
  if (error instanceof TrunklineError) return { error: shape, ...defined({ line: toTrunklineError(error) }) }
  return error instanceof TokenRefused
    ? { error: shape, refused: withoutSecrets(server, error).message }
    : { error: shape }
}

/** The response for a failure of Trunkline without the router's formatter, whose result can be of any size. */
export function plainFailure(error: TrunklineError): ErrorBody {
  const { code, message } = error
  const data = { code, httpStatus: getHTTPStatusCodeFromError(error) }
  return {
    error: { message, code: TRPC_ERROR_CODES_BY_KEY[code], data },
    ...defined({ line: toTrunklineError(error) }),
  }
}

/** The response when the error's shape cannot be made. */
const fallbackBody: ErrorBody = {
  error: { message: 'Internal server error', code: -32_603, data: { code: 'INTERNAL_SERVER_ERROR', httpStatus: 500 } },
}

/**
 * The router's error shape, through its formatter and transformer. [TL-ERR-1] [TL-ERR-3] It never has a stack, a table
 * name or an ARN [LAW-ERRORS].
 */
export function errorShape(server: Server, request: Omit<RequestInfo, 'id' | 'cause'>, error: TRPCError): unknown {
  const config = shapingConfigOf(server.router._def._config)
  const { type, path, input, ctx } = request
  const formatted = getTRPCErrorShape({ config, error: withoutSecrets(server, error), type, path, input, ctx })
  const shape = withPartitions(formatted, error)
  return error instanceof ForeignInput ? shape : config.transformer.output.serialize(shape)
}

type RouterConfig = Server['router']['_def']['_config']

const shapingConfigs = new WeakMap<RouterConfig, RouterConfig>()

/** A router's configuration without `isDev`, which adds the stack: a function's NODE_ENV is unset. */
function shapingConfigOf(config: RouterConfig): RouterConfig {
  const known = shapingConfigs.get(config) ?? { ...config, isDev: false }
  shapingConfigs.set(config, known)
  return known
}

/** Replaces the message by the code when the message may name tables, accounts or roles. */
export function withoutSecrets(server: Server, error: TRPCError): TRPCError {
  if (!server.isSecret(error)) return error
  return new TRPCError({
    code: error.code,
    message: error.code === 'INTERNAL_SERVER_ERROR' ? 'Internal server error' : error.code,
  })
}

// [TL-ERR-2]
function toTrunklineError(error: TRPCError): TrunklineErrorWire | undefined {
  if (!(error instanceof TrunklineError)) return undefined
  const { line: code, retry, retryAfterMs } = error
  return { ...defined({ code, retry, retryAfterMs }), mayHaveRun: mayHaveRun(error) }
}

/**
 * An error's tRPC code as a label. Codes that tRPC does not have become INTERNAL_SERVER_ERROR, because each label is a
 * metric that is billed.
 */
export function codeOf({ code }: TRPCError): TRPCError['code'] {
  return Object.hasOwn(TRPC_ERROR_CODES_BY_KEY, code) ? code : 'INTERNAL_SERVER_ERROR'
}
