import { initTRPC } from '@trpc/server'
import type { LineMeta } from '../../define/identity.ts'

/**
 * Takes the place of a procedure's resolver in one run: `resolve` runs the resolver, with the input and the context
 * that the middlewares made.
 */
export type AroundResolver = (resolve: () => unknown) => unknown

/** A procedure as a router holds it, as far as it is read here. */
export interface BuiltProcedure {
  readonly _def: {
    readonly type: string
    readonly meta?: LineMeta
    readonly inputs?: readonly unknown[]
    readonly output?: unknown
    /** Middlewares and validators in their order; the last one calls the resolver. */
    readonly middlewares?: readonly unknown[]
    readonly resolver?: (options: ResolverOptions) => unknown
    /** Of `experimental_caller`. */
    readonly caller?: unknown
  }
}

/** What tRPC calls a procedure with. */
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
 * By the signal of a run, which no middleware can replace: async context is lost where a middleware queues its calls.
 */
const arounds = new WeakMap<AbortSignal, AroundResolver>()

/**
 * Runs a procedure with `around` in the place of its resolver, behind its last middleware. tRPC itself runs the chain,
 * so middlewares and validators keep their order and their count. Throws what the chain throws, and an `Error` for a
 * procedure that was not built by tRPC 11.
 */
export function callAround(
  procedure: BuiltProcedure,
  options: ProcedureOptions,
  around: AroundResolver,
): Promise<unknown> {
  arounds.set(options.signal, around)
  return copyOf(procedure)({ ...options })
}

/** The procedure's chain, built once more with a last step that asks `arounds`. */
function copyOf(procedure: BuiltProcedure): Callable {
  const known = copies.get(procedure)
  if (known !== undefined) return known
  const { type, meta, inputs, output, middlewares, resolver, caller } = procedure._def
  if (middlewares === undefined || resolver === undefined)
    throw new Error('Expected a procedure with a resolver and middlewares, as @trpc/server 11 builds it.')
  const chain = {
    ...{ inputs, meta, middlewares: middlewares.slice(0, -1) },
    ...(output === undefined ? {} : { output }),
    ...(caller === undefined ? {} : { caller }),
  }
  const builder = empty.concat({ _def: chain } as never) as unknown as Record<string, (resolve: unknown) => Callable>
  const step = (given: ResolverOptions) => {
    const around = arounds.get(given.signal)
    // It is never run without its step: of a keyed mutation that would be a run without a claim.
    if (around === undefined) throw new Error('Expected the signal that the procedure was called with.')
    return around(() => resolver(given))
  }
  const copy = (builder[type] as (resolve: unknown) => Callable)(step)
  copies.set(procedure, copy)
  return copy
}

/**
 * Whether a procedure's resolver surely returns a generator, so that it need not be run to know: a native `async
 * function*`, or `meta({ generator: true })`.
 */
export function isGenerator({ _def: { meta, resolver } }: BuiltProcedure): boolean {
  return meta?.generator === true || Object.prototype.toString.call(resolver) === '[object AsyncGeneratorFunction]'
}
