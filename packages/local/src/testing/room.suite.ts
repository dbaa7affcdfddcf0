import { initTRPC, TRPCError } from '@trpc/server'
import { anonymous, createLine, deny } from '@trunkline/server'
import { vi } from 'vitest'
import * as z from 'zod'
import { startLocalLine } from '../line/start-local-line.ts'

const line = createLine()
const key = z.object({ room: z.string() })
export const messages = line.channel('room.messages', { key, event: z.object({ text: z.string() }) })
export const typing = line.ephemeral('room.typing', { key, event: z.object({ who: z.string() }) })
const t = initTRPC.context<{ principal: string | null }>().create()

let added = 0
const router = t.router({
  add: t.procedure.input(z.object({ a: z.number(), b: z.number() })).query(({ input: { a, b } }) => a + b),
  whoami: t.procedure.query(({ ctx }) => ctx.principal),
  count: t.procedure.mutation(() => ++added),
  endless: t.procedure.query(({ signal }) => new Promise((_, reject) => signal?.addEventListener('abort', reject))),
  nothing: t.procedure.mutation(() => {}),
  missing: t.procedure.query(() => {
    throw new TRPCError({ code: 'NOT_FOUND', message: 'There is no such room.' })
  }),
  room: t.router({
    live: t.procedure.input(key).subscription(({ input }) => messages.subscribe(input)),
    typing: t.procedure.input(key).subscription(({ input }) => typing.subscribe(input)),
  }),
})

/** A line whose token is the principal. A token `bad` is refused. */
export function startRoomLine() {
  return startLocalLine({
    router,
    line,
    onError: () => {},
    authorize: ({ token }) => {
      if (token === undefined) return anonymous
      if (token === 'bad') return deny('This token is bad.')
      return { principal: token, claims: {}, expiresAt: new Date(Date.now() + 3_600_000) }
    },
    anonymousMay: 'everything',
    createContext: ({ principal }) => ({ principal }),
  })
}

/** Makes a line that of the environment, as for an operator. `vi.unstubAllEnvs` ends it. */
export function useEnvironment({ environment }: Pick<Awaited<ReturnType<typeof startRoomLine>>, 'environment'>): void {
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
}
