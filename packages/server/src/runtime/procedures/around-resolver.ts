import { initTRPC } from '@trpc/server'
import { defined, withDocs } from '@trunkline/protocol'
import type { LineMeta } from '../../define/identity.ts'

/**
 * Replaces a procedure's resolver in one run. `resolve` runs the resolver with the input and the context of the
 * middlewares.
 */
export type AroundResolver = (resolve: () => unknown) => unknown

/** The parts of a router's procedure that are used here. */
export interface BuiltProcedure {
  readonly _def: {
    readonly type: string
    readonly meta?: LineMeta
    readonly inputs?: readonly unknown[]
    readonly output?: unknown
    /** Middlewares and validators in their order; the last one calls the resolver. */
    readonly middlewares?: readonly unknown[]
    readonly resolver?: (options: ResolverOptions) => unknown
    /** The function of `experimental_caller`. */
    readonly caller?: unknown
  }
}

/** The options with which tRPC calls a procedure. */
export interface ProcedureOptions {
  readonly ctx: unknown
  readonly getRawInput: () => Promise<unknown>
  readonly path: string
  readonly type: string
  readonly signal: AbortSignal
  readonly batchIndex: number
}

interface ResolverOptions {
  readonly signal: AbortSignal
}

type Callable = (options: ProcedureOptions) => Promise<unknown>

const { procedure: empty } = initTRPC.create()
const copies = new WeakMap<BuiltProcedure, Callable>()
/**
 * By the run's signal, which no middleware can replace. Async context would be lost where a middleware queues its
 * calls.
 */
const arounds = new WeakMap<AbortSignal, AroundResolver>()

/**
 * Runs a procedure with `around` instead of its resolver, after its last middleware. tRPC runs the chain, so
 * middlewares and validators keep their order and run once. Throws what the chain throws, and an `Error` for a
 * procedure that tRPC 11 did not build.
 */
export function callAround(
  procedure: BuiltProcedure,
  options: ProcedureOptions,
  around: AroundResolver,
): Promise<unknown> {
  arounds.set(options.signal, around)
  return copyOf(procedure)({ ...options })
}

/** A copy of the procedure's chain whose last step calls the run's `around`. */
function copyOf(procedure: BuiltProcedure): Callable {
  const known = copies.get(procedure)
  if (known !== undefined) return known
  const { type, meta, inputs, output, middlewares, resolver, caller } = procedure._def
  if (middlewares === undefined || resolver === undefined)
    throw new Error(
      withDocs(
        'procedures',
        'Expected a procedure that @trpc/server 11 built, with a resolver and middlewares, got another object. Use one version of @trpc/server.',
      ),
    )
  const chain = {
    ...{ inputs, meta, middlewares: middlewares.slice(0, -1) },
    ...defined({ output, caller }),
  }
  // tRPC types neither a chain without its builder nor a builder by a procedure's type.
  const builder = empty.concat({ _def: chain } as never) as unknown as Record<string, (resolve: unknown) => Callable>
  const step = (given: ResolverOptions) => {
    const around = arounds.get(given.signal)
    // Without `around` the resolver must not run: for a mutation with a key that would be a run without a claim.
    if (around === undefined)
      throw new Error(
        withDocs(
          'procedures',
          'Expected the signal that the procedure was called with, got another. A middleware must not replace the signal.',
        ),
      )
    return around(() => resolver(given))
  }
  const copy = (builder[type] as (resolve: unknown) => Callable)(step)
  copies.set(procedure, copy)
  return copy
}

/**
 * Whether a procedure's resolver certainly returns a generator, so that it need not run to find out: a native `async
 * function*`, or `meta({ generator: true })`.
 */
export function isGenerator({ _def: { meta, resolver } }: BuiltProcedure): boolean {
  return meta?.generator === true || Object.prototype.toString.call(resolver) === '[object AsyncGeneratorFunction]'
}
