import { type Operation, TRPCClientError, type TRPCLink } from '@trpc/client'
import type {
  AnyTRPCRouter,
  inferTRPCClientTypes,
  TRPCCombinedDataTransformer,
  TRPCDataTransformer,
} from '@trpc/server'
import { type Observer, observable } from '@trpc/server/observable'
import { defined } from '@trunkline/protocol'
import type { Connection } from '../connection/create-connection.ts'
import { toError } from '../connection/to-error.ts'
import { type Transport, transportOf } from '../connection/transport.ts'
import { overflowError } from '../session/machine/check-frame.ts'
import type { ConnectionState } from '../session/machine/connection-state.ts'
import type { Failure } from '../session/machine/trunkline-error.ts'
import { optionsOf } from './call-options.ts'
import { type Transform, toClientError, toTransform, unreadable } from './transform.ts'

const maxRememberedKeys = 10_000 // about 1 MB

/** The client's `transformer`: required when the router has one, else not allowed. */
export type TransformerOption<R extends AnyTRPCRouter> = inferTRPCClientTypes<R>['transformer'] extends true
  ? { readonly transformer: TRPCDataTransformer | TRPCCombinedDataTransformer }
  : { readonly transformer?: never }

/** The connection of a link, and the transformer of the router if it has one. */
export type TrunklineLinkOptions<R extends AnyTRPCRouter> = { readonly connection: Connection } & TransformerOption<R>

/**
 * Trunkline's terminating link, for `createTRPCClient`. Throws a `TypeError` when `connection` is not from
 * `createConnection`.
 */
export function trunklineLink<R extends AnyTRPCRouter>(options: TrunklineLinkOptions<R>): TRPCLink<R> {
  const transport = transportOf(options.connection)
  const transform = toTransform(options.transformer, transport)
  return () => {
    const keys: KeyMemory = new Map() // for one client, whose operations have numbers
    return ({ op }) =>
      observable((observer) => {
        if (op.signal?.aborted) return observer.complete() // nothing is sent, as with tRPC's own links
        const request = { transport, transform, op, observer, connection: options.connection }
        if (failsByTransform(request)) return
        try {
          const stop = op.type === 'subscription' ? subscribe(request) : call({ ...request, keys, method: op.type })
          return whenAborted(op.signal, () => observer.complete(), stop)
        } catch (cause) {
          const line = overflowError(cause)
          if (line !== undefined) return observer.error(toClientError({ line }, transform))
          observer.error(TRPCClientError.from(toError(cause))) // such as for an input that cannot be serialised
        }
      })
  }
}

interface Request<R extends AnyTRPCRouter> {
  readonly transport: Transport
  readonly transform: Transform
  readonly connection: Connection
  readonly op: Operation
  readonly observer: Observer<LinkValue<R>, TRPCClientError<R>>
}
type LinkValue<R extends AnyTRPCRouter> =
  ReturnType<ReturnType<TRPCLink<R>>> extends { subscribe(observer: Partial<Observer<infer V, never>>): unknown }
    ? V
    : never

interface CallRequest<R extends AnyTRPCRouter> extends Request<R> {
  readonly keys: KeyMemory
  readonly method: 'query' | 'mutation'
}

/** Makes the call, and returns a function that aborts it. Throws for an operation that has failed for good. */
function call<R extends AnyTRPCRouter>(request: CallRequest<R>): () => void {
  const { transport, transform, op, observer, method, keys } = request
  const { path, context } = op
  const { timeoutMs, idempotencyKey, orderingKey } = optionsOf(context)
  const known = keys.get(op.id)
  if (typeof known === 'object') throw toClientError(known, transform)
  const repeated = { idempotencyKey: known ?? idempotencyKey, mayHaveRun: known !== undefined }
  const stop = transport.call(
    { method, path, input: transform.serialize(op.input), timeoutMs, orderingKey, ...repeated },
    {
      answer(wire) {
        keys.delete(op.id)
        read(request, wire, (data) => {
          observer.next({ result: { type: 'data', data }, context })
          observer.complete()
        })
      },
      fail(failure) {
        const { line } = failure
        const key = line?.mayHaveRun ? line.idempotencyKey : undefined
        rememberKey(keys, op.id, key && line?.code === 'CLOSED' ? failure : key)
        observer.error(toClientError(failure, transform))
      },
    },
  )
  return () => {
    const key = stop()
    if (key !== undefined) rememberKey(keys, op.id, key)
  }
}

/**
 * The keys of mutations whose outcome is unknown, by operation. A link before this one, such as `retryLink`, may repeat
 * the same operation. [TL-KEY-12] After CLOSED the failure in place of the key: the next connection may have another
 * identity, to which the key would name another mutation, so the operation fails again. [TL-SIGN-2]
 */
type KeyMemory = Map<number, string | Failure>

function rememberKey(keys: KeyMemory, id: number, key: string | Failure | undefined): void {
  keys.delete(id)
  if (key !== undefined) keys.set(id, key)
  const [oldest = id] = keys.keys()
  // the client cannot know when an operation is no longer repeated
  if (keys.size > maxRememberedKeys) keys.delete(oldest)
}

function subscribe<R extends AnyTRPCRouter>(request: Request<R>): () => void {
  const { transport, transform, connection, op, observer } = request
  const { path, context } = op
  const { onGap, aroundGap } = optionsOf(context)
  observer.next({ result: toOperationState<R>(connection.state), context })
  return transport.subscribe(
    { path, input: transform.serialize(op.input), givenInput: op.input, onGap, aroundGap },
    {
      started(from) {
        const result = { type: 'started' as const, from } // for `mergePartitions`
        if (!failsByTransform(request)) observer.next({ result, context })
      },
      pending(line) {
        const error: TRPCClientError<R> = toClientError({ line }, transform)
        optionsOf(context).onPending?.(line)
        observer.next({ result: { type: 'state', state: 'connecting', error }, context })
      },
      data({ id, data: wire, of, places }) {
        const show = (data: unknown, at = id) =>
          observer.next({ result: { type: 'data', data, ...(at !== undefined && { id: at }) }, context })
        read(request, wire, (data) => {
          if (of === undefined) return show(data)
          const thrown: unknown[] = []
          for (const [index, chunk] of (data as readonly unknown[]).entries()) {
            const place = places?.[index] ?? index + 1
            const at = place === of ? id : `${id}.${place}` // [TL-STREAM-2]
            try {
              show({ id: at, data: chunk }, at)
            } catch (error) {
              thrown.push(error) // the chunks behind it are shown all the same
            }
          }
          if (thrown.length > 0) throw thrown.length === 1 ? thrown[0] : new AggregateError(thrown)
        })
      },
      state: (state) => observer.next({ result: toOperationState<R>(state), context }),
      fail: (failure) => observer.error(toClientError(failure, transform)),
      complete(outcome) {
        if (outcome !== undefined) optionsOf(context).onOutcome?.(outcome)
        observer.next({ result: { type: 'stopped', ...defined({ outcome }) }, context })
        observer.complete()
      },
    },
  )
}

/** A connection's state in the form in which tRPC's links report it to subscriptions. */
interface OperationState<State extends 'idle' | 'connecting' | 'pending', E> {
  readonly type: 'state'
  readonly state: State
  readonly error: E
}

/** Converts the state to tRPC's. tRPC has no closed state, so a closed connection is reported as idle. */
function toOperationState<R extends AnyTRPCRouter>(
  state: ConnectionState,
): OperationState<'idle' | 'pending', null> | OperationState<'connecting', TRPCClientError<R> | null> {
  const { status } = state
  if (status === 'reconnecting')
    return { type: 'state', state: 'connecting', error: new TRPCClientError(state.cause.message) }
  const known = status === 'open' ? 'pending' : status === 'closed' ? 'idle' : 'connecting'
  return { type: 'state', state: known, error: null } // idle counts as connecting, since the subscription opens it
}

/** Fails the operation when only the client or only the router has a transformer, and returns true. [TL-HELLO-6] */
function failsByTransform<R extends AnyTRPCRouter>({ transform, observer }: Request<R>): boolean {
  const problem = transform.mismatch()
  if (problem !== undefined) observer.error(new TRPCClientError(problem))
  return problem !== undefined
}

/**
 * Passes the deserialised value to `use`. Fails the operation when the transformer throws, so that it does not hang.
 */
function read<R extends AnyTRPCRouter>(request: Request<R>, wire: unknown, use: (value: unknown) => void) {
  const { transform, observer } = request
  if (failsByTransform(request)) return
  let value: unknown
  try {
    value = transform.deserialize(wire)
  } catch (cause) {
    return observer.error(TRPCClientError.from(new Error(unreadable, { cause })))
  }
  use(value)
}

/** Completes when the signal aborts, as tRPC's own links do. tRPC then rejects the call with the signal's reason. */
function whenAborted(signal: Operation['signal'], onAbort: () => void, stop: () => void): () => void {
  signal?.addEventListener('abort', onAbort, { once: true })
  return () => {
    signal?.removeEventListener('abort', onAbort)
    stop()
  }
}
