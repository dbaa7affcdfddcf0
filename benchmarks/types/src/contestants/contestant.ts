/** A variant of the same application, as generated sources. */
export interface Contestant {
  readonly id: string
  readonly name: string
  /** The module that all routers of the project import. */
  readonly base: string
  /** The module of one router, whose exports have the index in their names. */
  readonly router: (index: number, procedures: readonly Procedure[]) => string
  /** The module that combines the routers (`root`), and the one that uses each procedure once (`client`). */
  readonly root: (routers: number) => string
  readonly client: (routers: number, procedures: readonly Procedure[]) => string
}

/** A procedure of each router. */
export type Procedure = { readonly name: string; readonly kind: 'query' | 'mutation' | 'subscription' }

/** The schemas of a router, with the same text for all contestants. */
export function schemasOf(index: number): string {
  return `const key = z.object({ room: z.string() })
const draft = key.extend({ text: z.string().min(1).max(4000), tags: z.array(z.string()).optional() })
const event = z.discriminatedUnion('type', [
  z.object({ type: z.literal('posted'), id: z.string(), text: z.string(), author: z.object({ name: z.string(), age: z.number().nullable() }) }),
  z.object({ type: z.literal('removed'), id: z.string(), by${index}: z.string() }),
])
type Posted = Extract<z.infer<typeof event>, { type: 'posted' }>
`
}

/** The results of a query and of a mutation. */
export const bodies = {
  query: `({ room: input.room, count: 1, items: [{ id: 'a', text: 'b', tags: ['c'], author: { name: 'd', age: null as number | null } }] })`,
  mutation: `({ id: input.text, room: input.room, done: true as boolean })`,
} as const

/** Numbers from 0. */
export function upTo(count: number): readonly number[] {
  return [...Array(count).keys()]
}
