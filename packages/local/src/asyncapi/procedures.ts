import type { AnyTRPCRouter } from '@trpc/server'
import type { LineMeta } from '@trunkline/server'

/** What a document says of one procedure. */
export interface Procedure {
  readonly path: string
  readonly type: 'query' | 'mutation' | 'subscription'
  /** One for each `.input()`: all of them must take the value. */
  readonly inputs: readonly unknown[]
  /** What `.output()` was given, if it was called. */
  readonly output: unknown
  readonly meta: LineMeta
}

/** Every procedure of a router by its path, lazy routers included: their modules are loaded, and nothing of them is run. */
export async function proceduresOf(router: AnyTRPCRouter): Promise<readonly Procedure[]> {
  const { procedures, lazy } = router._def
  for (let waiting = Object.values(lazy); waiting.length > 0; waiting = Object.values(lazy)) {
    for (const { load } of waiting) await load() // a loaded one leaves `lazy`, and those inside of it come
  }
  return Object.entries(procedures)
    .map(([path, procedure]) => toProcedure(path, procedure as ProcedureLike))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** The members of tRPC's procedures that its types do not show. */
interface ProcedureLike {
  readonly _def: {
    readonly type: Procedure['type']
    readonly inputs: readonly unknown[]
    readonly output?: unknown
    readonly meta?: unknown
  }
}

function toProcedure(path: string, { _def: { type, inputs, output, meta } }: ProcedureLike): Procedure {
  const { idempotent, repeatable, longRunning } = (meta ?? {}) as LineMeta // an application without `LineMeta` has none of them
  const known = { idempotent, repeatable, longRunning }
  const set = Object.entries(known).filter(([, value]) => typeof value === 'boolean')
  return { path, type, inputs, output, meta: Object.fromEntries(set) }
}
