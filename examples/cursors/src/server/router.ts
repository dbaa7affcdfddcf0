import { initTRPC } from '@trpc/server'
import type { CallDetails, LineMeta } from '@trunkline/server'
import { people, pointers } from './line.ts'

/** Each tab is a person of its own. */
export const createContext = ({ sessionId }: Pick<CallDetails, 'sessionId'>) => ({ member: sessionId })

const t = initTRPC.context<ReturnType<typeof createContext>>().meta<LineMeta>().create()

export const appRouter = t.router({
  me: t.procedure.query(({ ctx }) => ctx.member),

  /** Makes the caller one of the people while the subscription lasts, and reports them. */
  people: t.procedure
    .input(people.key.extend(people.data.shape))
    .subscription(({ input: { board, ...data }, ctx }) => people.join({ board }, { member: ctx.member, data })),

  /** Moves the caller's pointer. A lost move is followed by another one. */
  move: t.procedure
    .meta({ idempotent: true })
    .input(pointers.key.extend(pointers.event.omit({ member: true }).shape))
    .mutation(({ input: { board, x, y }, ctx }) => pointers.publish({ board }, { member: ctx.member, x, y })),

  /** The pointers of others and of the caller. */
  pointers: t.procedure.input(pointers.key).subscription(({ input }) => pointers.subscribe(input)),
})
export type AppRouter = typeof appRouter
