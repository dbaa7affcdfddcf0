import { setMaxListeners } from 'node:events'
import { callTRPCProcedure, TRPCError } from '@trpc/server'
import { isObservable, type Observable, observableToAsyncIterable } from '@trpc/server/observable'
import { withDocs } from '@trunkline/protocol'
import { descriptorOf, type SubscriptionDescriptor } from '../../define/subscription.ts'
import type { ContextDetails } from '../context/caller.ts'
import { type Deadline, untilAborted, withinDeadline } from '../context/deadline.ts'
import type { Server } from '../context/served-application.ts'
import { toTRPCError } from '../context/to-trpc-error.ts'
import { markEntered, topicChanged } from '../context/trunkline-error.ts'
import { type AroundResolver, type BuiltProcedure, callAround, isGenerator } from './around-resolver.ts'
import { withLastEventId } from './last-event-id.ts'
import { isLoaded, loadRouters } from './load-lazy-router.ts'

/** One run of a procedure. */
export interface ProcedureRun {
  readonly type: 'query' | 'mutation' | 'subscription'
  readonly path: string
  /** Deserialised. */
  readonly input: unknown
  readonly facts: ContextDetails
  readonly signal: AbortSignal
  /** How long the caller waits for the procedure. @default until `signal` aborts */
  readonly within?: Deadline
  readonly batchIndex: number
  /** Called with the context when it exists, so that an error can be formatted with it. */
  readonly onContext?: (ctx: unknown) => void
  /** Runs instead of the resolver, after the last middleware. */
  readonly around?: AroundResolver | undefined
}

/**
 * Runs a procedure under its deadline, with the router's own context, middlewares, validators and resolver. Throws what
 * they throw, `DeadlinePassed` [TL-CALL-4], or NOT_FOUND [TL-CALL-3].
 */
export function runProcedure(server: Server, run: ProcedureRun): Promise<unknown> {
  return run.within === undefined
    ? untilAborted(run.signal, call(server, run))
    : withinDeadline(run.within, call(server, run))
}

async function call(server: Server, run: ProcedureRun): Promise<unknown> {
  const made = server.createContext(run.facts)
  const ctx = isThenable(made) ? await made : made
  run.onContext?.(ctx)
  const { type, path, batchIndex, around } = run
  const getRawInput = async () => run.input
  if (!isLoaded(server, path)) await loadRouters(server, path)
  const procedure = procedureOf(server, path)
  try {
    if (around === undefined || procedure?._def.type !== type) {
      const { router } = server
      return await callTRPCProcedure({ router, path, type, ctx, batchIndex, getRawInput, signal: run.signal })
    }
    const options = { path, type, ctx, batchIndex, getRawInput }
    const signal = AbortSignal.any([run.signal]) // its own signal, which identifies the run
    setMaxListeners(0, signal)
    return await callAround(procedure, { ...options, signal }, around)
  } catch (thrown) {
    throw markEntered(toTRPCError(thrown ?? noResult(path))) // tRPC throws the error of a result that has none
  }
}

function noResult(path: string): Error {
  return new TypeError(
    withDocs(
      'procedures',
      `Expected each middleware of ${path} to return the result of next(), got another value. Write return next().`,
    ),
  )
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}

/**
 * The procedure at a path, by own key only [LAW-DECODE]. A procedure of a lazy router is known after `loadProcedure`.
 */
export function procedureOf(server: Server, path: string): BuiltProcedure | undefined {
  const procedures: Readonly<Record<string, unknown>> = server.router._def.procedures
  return Object.hasOwn(procedures, path) ? (procedures[path] as BuiltProcedure) : undefined
}

/** The result of a subscription's procedure. */
export type Described =
  | { readonly status: 'channel'; readonly descriptor: SubscriptionDescriptor }
  /** A source of values that is no channel. `recognised`: its resolver did not run. */
  | { readonly status: 'generator'; readonly recognised: boolean }

/** A run of a subscription's procedure. */
export interface SubscriptionRun extends Omit<ProcedureRun, 'type'> {
  /** The id of the last value that the client has. */
  readonly lastEventId?: string | undefined
}

/**
 * Runs a subscription's procedure to find out what it returns; starts nothing. The resolver of a recognised generator
 * does not run, only its middlewares and validators.
 */
// [TL-GEN-12]
export async function describeSubscription(
  server: Server,
  { lastEventId, ...run }: SubscriptionRun,
): Promise<Described> {
  await untilAborted(run.signal, loadRouters(server, run.path))
  const procedure = procedureOf(server, run.path)
  const reached = { resolver: false }
  const around = () => {
    reached.resolver = true
    return emptyGenerator()
  }
  const asGenerator = { input: withLastEventId(run.input, lastEventId), around } // as the worker runs it
  const recognised = procedure !== undefined && isGenerator(procedure)
  const result = await runSubscription(server, recognised ? { ...run, ...asGenerator } : run)
  const descriptor = descriptorOf(result)
  if (descriptor !== undefined) return { status: 'channel', descriptor }
  void closeUnstarted(result)
  return { status: 'generator', recognised: reached.resolver }
}

/** Returned instead of a generator that must not start here, so that middlewares get one, as in the worker. */
async function* emptyGenerator(): AsyncGenerator<never> {}

/**
 * Runs a subscription's procedure to iterate its values. Throws when it returns a channel's subscription, which it did
 * not at the subscribe.
 */
export async function runGeneratorProcedure(
  server: Server,
  run: Omit<ProcedureRun, 'type'>,
): Promise<AsyncIterable<unknown>> {
  const result = await runSubscription(server, run)
  if (descriptorOf(result) !== undefined)
    throw isMarked(server, run.path) ? wronglyMarked(run.path) : topicChanged(run.path)
  return isObservable(result) ? observableToAsyncIterable(result, run.signal) : result
}

function isMarked(server: Server, path: string): boolean {
  return procedureOf(server, path)?._def.meta?.generator === true
}

function wronglyMarked(path: string): TRPCError {
  return new TRPCError({
    code: 'INTERNAL_SERVER_ERROR',
    message: `Subscription ${path} is marked generator: true and returned a channel's subscription; remove the mark.`,
  })
}

async function runSubscription(
  server: Server,
  run: Omit<ProcedureRun, 'type'>,
): Promise<AsyncIterable<unknown> | Observable<unknown, unknown>> {
  const result = await runProcedure(server, { ...run, type: 'subscription' })
  if ((isObservable(result) || isAsyncIterable(result)) && !isChannel(result)) return result
  throw new TRPCError({
    code: 'INTERNAL_SERVER_ERROR',
    message: `Subscription ${run.path} did not return an observable or a AsyncGenerator`, // as tRPC's own server
    cause: new TypeError(
      withDocs(
        'procedures',
        `Expected subscription ${run.path} to return a channel's subscription, an async iterable or an observable, got ${describeResult(result)}`,
      ),
    ),
  })
}

function describeResult(result: unknown): string {
  if (isChannel(result)) return `channel ${result.name} itself. Return its subscribe(key).`
  if (typeof result === 'function') return 'a function. Call it.'
  return `${result === null ? 'null' : typeof result}. Return it from the resolver.`
}

/** tRPC takes a channel for an observable, because it has `subscribe`. */
function isChannel(value: unknown): value is { readonly name: string } {
  return typeof value === 'object' && value !== null && 'subscribe' in value && 'key' in value && 'name' in value
}

/** Whether a call's result is a stream, which a call cannot carry. */
export function isStream(result: unknown): boolean {
  return isObservable(result) || isAsyncIterable(result)
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}

async function closeUnstarted(value: unknown): Promise<void> {
  if (!isAsyncIterable(value)) return
  try {
    await value[Symbol.asyncIterator]().return?.()
  } catch {
    // The generator never ran, so its error does not concern the caller.
  }
}
