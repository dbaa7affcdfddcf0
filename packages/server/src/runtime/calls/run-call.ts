import { TRPCError, transformTRPCResponse } from '@trpc/server'
import type { FrameId } from '@trunkline/protocol'
import { limits } from '@trunkline/protocol'
import type { LineMeta } from '../../define/identity.ts'
import type { ContextDetails } from '../context/caller.ts'
import type { InvocationContext, Keyed } from '../context/scope.ts'
import type { Server } from '../context/served-application.ts'
import { toTRPCError } from '../context/to-trpc-error.ts'
import { markEntered, TrunklineError } from '../context/trunkline-error.ts'
import { codeOf } from '../encoding/error-label.ts'
import { type Asked, errorBody, withId } from '../encoding/error-response.ts'
import { isStream, procedureOf, runProcedure } from '../procedures/run-procedure.ts'
import { warnOfMismatch } from '../procedures/transformer-mismatch.ts'

/** A query or mutation as `receive` understood it. */
export interface CallRequest {
  readonly id: FrameId
  readonly jsonrpc?: '2.0'
  readonly type: 'query' | 'mutation'
  readonly path: string
  readonly input: unknown
  readonly batchIndex: number
  /** Aborts when nobody waits any more. The procedure is told and decides what comes of it. */
  readonly cancelled?: AbortSignal
  /** What its answer's frame may have, in UTF-8 bytes. */
  readonly maxBytes: number
  /** W3C trace context. */
  readonly traceparent?: string
}

/** What a call came to, without its id: `{"result":…}` or `{"error":…}` as text. `settled`: the procedure came to its end; otherwise the line failed half-way. */
export interface CallOutcome {
  readonly body: string
  readonly settled: boolean
}

/** What a run of a procedure came to, before it is put into words. */
export type CallResult = {
  /** What `createContext` made, once it is there. */
  readonly ctx: unknown
  /** Epoch milliseconds. */
  readonly begun: number
} & ({ readonly status: 'returned'; readonly data: unknown } | { readonly status: 'threw'; readonly thrown: unknown })

/** Runs a call to its outcome. Never throws. */
export async function runCall(
  scope: InvocationContext,
  request: CallRequest,
  facts: ContextDetails,
): Promise<CallOutcome> {
  return toOutcome(scope, request, facts, await runToResult(scope, request, facts))
}

/**
 * Runs a call's procedure, with `around` in the place of its resolver, which is given the claim that it runs under.
 * Never throws.
 */
export async function runToResult(
  scope: InvocationContext,
  request: CallRequest,
  facts: ContextDetails,
  around?: (resolve: (keyed: Keyed) => unknown) => unknown,
): Promise<CallResult> {
  const begun = scope.clock.now()
  let ctx: unknown
  try {
    const { signal: within } = scope.deadline
    const signal = request.cancelled === undefined ? within : AbortSignal.any([within, request.cancelled])
    const caller = { connectionId: facts.connectionId, session: facts.sessionId }
    const entered = { ...scope, caller }
    const run = {
      ...{ ...request, facts, signal, within, onContext: (made: unknown) => (ctx = made) },
      ...(around && {
        around: (resolve: () => unknown) => around((keyed) => scope.enter({ ...entered, keyed }, resolve)),
      }),
    }
    const data = await scope.enter(entered, () => runProcedure(scope.server, run))
    return { status: 'returned', data, ctx, begun }
  } catch (thrown) {
    return { status: 'threw', thrown, ctx, begun }
  }
}

/** Puts the result of a call into words, measures it and tells `onError`. Never throws. */
export function toOutcome(
  scope: InvocationContext,
  request: CallRequest,
  { cause }: ContextDetails,
  { ctx, begun, ...result }: CallResult,
): CallOutcome {
  const { server } = scope
  try {
    if (result.status === 'threw') throw result.thrown
    if (isStream(result.data))
      throw new TRPCError({
        code: 'UNSUPPORTED_MEDIA_TYPE',
        message: `Cannot return an async iterable or observable from a ${request.type} procedure with WebSockets`,
      })
    const body = withinMessage(scope, request, toResultText(server, result.data))
    measureCall(scope, request.path, begun, 'ok')
    return { body, settled: true }
  } catch (thrown) {
    const error = toTRPCError(thrown)
    warnOfMismatch(scope, { error, input: request.input, path: request.path })
    if (result.status === 'returned') markEntered(error)
    const asked: Asked = { ...request, ctx, cause }
    measureCall(scope, request.path, begun, codeOf(error))
    return { body: errorBody(server, asked, error), settled: !isHalfWay(error) }
  }
}

const failures: ReadonlySet<string> = new Set(['INTERNAL_SERVER_ERROR', 'TIMEOUT'])

/** Tells of one run. A path that the router does not have is the client's choice and becomes no label. */
function measureCall(
  { server, telemetry, clock }: InvocationContext,
  asked: string,
  begun: number,
  outcome: string,
): void {
  const path = procedureOf(server, asked) === undefined ? 'unknown' : asked
  telemetry.measure('calls', 1, { path, outcome })
  telemetry.measure('callMs', clock.now() - begun, { path, outcome })
  if (failures.has(outcome)) telemetry.measure('failedCalls', 1)
}

/** What a procedure throws is its outcome. These of the line's may have cut it off half-way, and another time may go better. */
const halfWay: ReadonlySet<string> = new Set(['TIMEOUT', 'FUNCTION_FAILED', 'RATE_LIMITED'])

export function isHalfWay(error: TRPCError): boolean {
  return error instanceof TrunklineError && halfWay.has(error.line)
}

/** What an answer to this client may have, in UTF-8 bytes. [TL-CHUNK-11] */
export function answerBytes({ maxMessageBytes }: Server, { extensions }: { readonly extensions: boolean }): number {
  return extensions ? maxMessageBytes : limits.messageBytes.value
}

/** What a procedure says of itself in `meta`. */
export function metaOf(server: Server, path: string): LineMeta {
  return procedureOf(server, path)?._def.meta ?? {}
}

/** Whether a mutation stands at this path: nothing is claimed for any other. */
export function isMutation(server: Server, path: string): boolean {
  return procedureOf(server, path)?._def.type === 'mutation'
}

// [TL-CALL-1] [TL-CALL-2] {"result":{"type":"data","data":…}}
function toResultText(server: Server, data: unknown): string {
  const message = { id: null, result: { type: 'data' as const, data } }
  const { result } = transformTRPCResponse(server.router._def._config, message) as { readonly result: unknown }
  return JSON.stringify({ result })
}

/** [LAW-DECODE]'s bound on the way out: an answer that cannot be carried, or under a key not be recorded, becomes an error that says so. */
// [TL-LIM-3]
function withinMessage({ keyed }: InvocationContext, request: CallRequest, body: string): string {
  const bytes = Buffer.byteLength(withId(request, body))
  const most = keyed?.owner === undefined ? request.maxBytes : Math.min(request.maxBytes, limits.outcomeBytes.value)
  if (bytes <= most) return body
  throw new TrunklineError(
    'TOO_LARGE',
    `The answer has ${bytes} bytes; at most ${most} can be ${most < request.maxBytes ? 'recorded under its key' : 'sent'}. Return less, or in pages.`,
    { mayHaveRun: true },
  )
}
