import type { AnyTRPCRouter } from '@trpc/server'
import type { LineMeta } from '@trunkline/server'

/** The data of one procedure for a document. */
export interface Procedure {
  readonly path: string
  readonly type: 'query' | 'mutation' | 'subscription'
  /** The schemas of all `.input()` calls. A value must satisfy all of them. */
  readonly inputs: readonly unknown[]
  /** The schema of `.output()`, if it was called. */
  readonly output: unknown
  readonly meta: LineMeta
}

/** All procedures of a router by path. Lazy routers are loaded; no procedure is run. */
export async function proceduresOf(router: AnyTRPCRouter): Promise<readonly Procedure[]> {
  const { procedures, lazy } = router._def
  for (let waiting = Object.values(lazy); waiting.length > 0; waiting = Object.values(lazy)) {
    // a loaded router is removed from `lazy`, and the lazy routers inside it are added
    for (const { load } of waiting) await load()
  }
  return Object.entries(procedures)
    .map(([path, procedure]) => toProcedure(path, procedure as ProcedureLike))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** The members of tRPC's procedures that its types do not declare. */
interface ProcedureLike {
  readonly _def: {
    readonly type: Procedure['type']
    readonly inputs: readonly unknown[]
    readonly output?: unknown
    readonly meta?: unknown
  }
}

function toProcedure(path: string, { _def: { type, inputs, output, meta } }: ProcedureLike): Procedure {
  // an application without `LineMeta` has none of these members
  const { idempotent, repeatable, longRunning } = (meta ?? {}) as LineMeta
  const known = { idempotent, repeatable, longRunning }
  const set = Object.entries(known).filter(([, value]) => typeof value === 'boolean')
  return { path, type, inputs, output, meta: Object.fromEntries(set) }
}
