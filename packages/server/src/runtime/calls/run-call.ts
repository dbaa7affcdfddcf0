import { TRPCError } from '@trpc/server'
import { type DataResult, type FrameId, limits } from '@trunkline/protocol'
import type { LineMeta } from '../../define/identity.ts'
import type { Caller, ContextDetails } from '../context/caller.ts'
import { type CallingSession, copyContext, type InvocationContext, type Keyed } from '../context/runtime-context.ts'
import type { Server } from '../context/served-application.ts'
import { toTRPCError } from '../context/to-trpc-error.ts'
import { markEntered, TrunklineError } from '../context/trunkline-error.ts'
import { type Answer, encode } from '../encoding/encode.ts'
import { codeOf, errorBody, type RequestInfo } from '../encoding/error-response.ts'
import { isStream, type ProcedureRun, procedureOf, runProcedure } from '../procedures/run-procedure.ts'
import { warnOfMismatch } from '../procedures/transformer-mismatch.ts'

/** A parsed query or mutation. */
export interface CallRequest {
  readonly id: FrameId
  readonly jsonrpc?: '2.0' | undefined
  readonly type: 'query' | 'mutation'
  readonly path: string
  readonly input: unknown
  readonly batchIndex: number
  /** What `createContext` gets. */
  readonly facts: ContextDetails
  /** See `CallingSession`. */
  readonly namesSessions?: boolean | undefined
  /** See `ConnectionCaller`. */
  readonly via?: Caller['via'] | undefined
  /** Aborts when the client does not wait any more. It is passed to the procedure, which decides what to do. */
  readonly cancelled?: AbortSignal
  /** The maximum size of the response frame, in UTF-8 bytes. */
  readonly maxBytes: number
  /** W3C trace context. */
  readonly traceparent?: string | undefined
}

/** The answer to a call. `settled` is false when Trunkline failed before the procedure ended. */
export interface CallOutcome {
  readonly answer: Answer
  readonly settled: boolean
}

/** The result of a run of a procedure, before it is encoded. */
export type CallResult = {
  /** The result of `createContext`; undefined before it returned. */
  readonly ctx: unknown
  /** Epoch milliseconds. */
  readonly startedAt: number
} & ({ readonly status: 'returned'; readonly data: unknown } | { readonly status: 'threw'; readonly thrown: unknown })

/** Runs a call to its outcome. Never throws. */
export async function runCall(context: InvocationContext, call: CallRequest): Promise<CallOutcome> {
  return toOutcome(context, call, await runToResult(context, call))
}

/**
 * Runs a call's procedure. `around` replaces its resolver: it gets a function that runs the resolver under a claim.
 * Never throws.
 */
export async function runToResult(
  context: InvocationContext,
  call: CallRequest,
  around?: (resolve: (keyed: Keyed) => unknown) => unknown,
): Promise<CallResult> {
  const startedAt = context.clock.now()
  let ctx: unknown
  try {
    const { signal: running } = context.running ?? context.deadline
    const signal = call.cancelled === undefined ? running : AbortSignal.any([running, call.cancelled])
    const entered = copyContext(context)
    entered.caller = callingSession(call)
    const run: ProcedureRun = {
      type: call.type,
      path: call.path,
      input: call.input,
      facts: call.facts,
      signal,
      within: context.deadline,
      batchIndex: call.batchIndex,
      onContext: (made: unknown) => (ctx = made),
      around: around && ((resolve) => around((keyed) => context.enter({ ...entered, keyed }, resolve))),
    }
    const data = await context.enter(entered, () => runProcedure(context.server, run))
    return { status: 'returned', data, ctx, startedAt }
  } catch (thrown) {
    return { status: 'threw', thrown, ctx, startedAt }
  }
}

/** The caller of a call, as its presence and its rates need it. */
function callingSession({ facts, namesSessions, via }: CallRequest): CallingSession {
  const { connectionId, sessionId, principal } = facts
  return { connectionId, sessionId, principal, namesSessions, via }
}

/** The answer of a call from its result. Measures the call and reports its error to `onError`. Never throws. */
export function toOutcome(
  context: InvocationContext,
  call: CallRequest,
  { ctx, startedAt, ...result }: CallResult,
): CallOutcome {
  const { server } = context
  try {
    if (result.status === 'threw') throw result.thrown
    if (isStream(result.data))
      throw new TRPCError({
        code: 'UNSUPPORTED_MEDIA_TYPE',
        message: `Cannot return an async iterable or observable from a ${call.type} procedure with WebSockets`,
      })
    const answer = { result: toResult(server, result.data) }
    checkSize(context, call, answer)
    measureCall(context, { path: call.path, startedAt, outcome: 'ok' })
    return { answer, settled: true }
  } catch (thrown) {
    const error = toTRPCError(thrown)
    warnOfMismatch(context, { error, input: call.input, path: call.path })
    if (result.status === 'returned') markEntered(error)
    const failed: RequestInfo = { ...call, ctx, cause: call.facts.cause }
    measureCall(context, { path: call.path, startedAt, outcome: codeOf(error) })
    return { answer: { failure: errorBody(server, failed, error) }, settled: !isInterruption(error) }
  }
}

const failures: ReadonlySet<string> = new Set(['INTERNAL_SERVER_ERROR', 'TIMEOUT'])

/** Measures one run. A path that the router does not have is chosen by the client, so it does not become a label. */
function measureCall(
  { server, telemetry, clock }: InvocationContext,
  { startedAt, outcome, ...call }: { readonly path: string; readonly startedAt: number; readonly outcome: string },
): void {
  const path = procedureOf(server, call.path) === undefined ? 'unknown' : call.path
  telemetry.measure('calls', 1, { path, outcome })
  telemetry.measure('callMs', clock.now() - startedAt, { path, outcome })
  if (failures.has(outcome)) telemetry.measure('failedCalls', 1)
}

/**
 * An error that a procedure throws is its outcome. These errors of Trunkline may have interrupted it, and a retry may
 * succeed.
 */
const interruptions: ReadonlySet<string> = new Set(['TIMEOUT', 'FUNCTION_FAILED', 'RATE_LIMITED'])

/** Whether Trunkline failed before the procedure ended. */
export function isInterruption(error: TRPCError): boolean {
  return error instanceof TrunklineError && interruptions.has(error.line)
}

/** The maximum size of a response to this client, in UTF-8 bytes. [TL-CHUNK-11] */
export function answerBytes({ maxMessageBytes }: Server, { extensions }: { readonly extensions: boolean }): number {
  return extensions ? maxMessageBytes : limits.messageBytes.value
}

/** The `meta` of a procedure. */
export function metaOf(server: Server, path: string): LineMeta {
  return procedureOf(server, path)?._def.meta ?? {}
}

/** Whether the procedure at this path is a mutation. Keys are claimed only for mutations. */
export function isMutation(server: Server, path: string): boolean {
  return procedureOf(server, path)?._def.type === 'mutation'
}

// [TL-CALL-1] [TL-CALL-2] {"result":{"type":"data","data":…}}
function toResult(server: Server, data: unknown): DataResult {
  return { type: 'data', data: server.router._def._config.transformer.output.serialize(data) }
}

/** Throws TOO_LARGE for a response that cannot be sent, or cannot be recorded under its key [LAW-DECODE]. */
// [TL-LIM-3]
function checkSize({ keyed }: InvocationContext, call: CallRequest, answer: Answer): void {
  const text = encode({ id: call.id, jsonrpc: call.jsonrpc, ...answer })
  const max = keyed?.owner === undefined ? call.maxBytes : Math.min(call.maxBytes, limits.outcomeBytes.value)
  if (text.length * 3 <= max) return // a unit of UTF-16 has at most three bytes in UTF-8
  const bytes = Buffer.byteLength(text)
  if (bytes <= max) return
  throw new TrunklineError(
    'TOO_LARGE',
    `The result has ${bytes} bytes; at most ${max} can be ${max < call.maxBytes ? 'recorded under its key' : 'sent'}. Return less, or in pages.`,
    { mayHaveRun: true },
  )
}
