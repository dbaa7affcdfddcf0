import { initTRPC } from '@trpc/server'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { type BuiltProcedure, callAround } from './around-resolver.ts'

const t = initTRPC.context<{ readonly user?: string }>().create()
const steps: string[] = []
const note = (step: string) =>
  t.middleware(({ next }) => {
    steps.push(step)
    return next({ ctx: { user: 'ann' } })
  })
const plugin = t.procedure.use(note('plugin'))
const procedures = {
  plain: t.procedure.query(({ input }) => input),
  joined: t.procedure
    .input(z.object({ a: z.number() }))
    .use(note('use'))
    .input(z.object({ b: z.number() }))
    .concat(plugin)
    .output((value: unknown): unknown => ({ out: value }))
    .mutation(({ input, ctx }) => ({ input, user: ctx.user })),
  called: t.procedure
    .experimental_caller(async ({ args, invoke }) => ({ called: await invoke(args[0] as never) }))
    .query(() => 'value'),
}
const options = (type: string, input?: unknown) => ({
  ...{ type, ctx: {}, path: 'path', batchIndex: 0 },
  getRawInput: async () => input,
  signal: new AbortController().signal,
})
const built = (name: keyof typeof procedures) => procedures[name] as unknown as BuiltProcedure

describe('a procedure that is run with a step around its resolver', () => {
  test('has a resolver and, last of its middlewares, the one that calls it, as @trpc/server builds them', async () => {
    const { _def } = built('plain')
    expect(_def.middlewares).toHaveLength(1)
    const [last] = _def.middlewares as readonly [(options: object) => Promise<unknown>]
    expect(await last({ input: 'x', ctx: {} })).toMatchObject({ ok: true, data: 'x' })
    expect(_def.resolver?.({ input: 'y' } as never)).toBe('y')
  })

  test('runs middlewares, validators and output validators around the step, once and in order', async () => {
    steps.length = 0
    const seen: unknown[] = []
    const input = { a: 1, b: 2 }
    const result = await callAround(built('joined'), options('mutation', input), async (resolve) => {
      steps.push('step')
      seen.push(await resolve())
      return 'instead'
    })
    expect(steps).toEqual(['use', 'plugin', 'step'])
    expect(seen).toEqual([{ input, user: 'ann' }])
    expect(result).toEqual({ out: 'instead' })
  })

  test('keeps concurrent runs apart', async () => {
    const runs = ['one', 'two'].map((name) => callAround(built('plain'), options('query'), async () => name))
    expect(await Promise.all(runs)).toEqual(['one', 'two'])
  })

  test('keeps the caller of the application', async () => {
    expect(await callAround(built('called'), options('query'), (resolve) => resolve())).toEqual({ called: 'value' })
  })

  test('is rejected when tRPC did not build it', () => {
    const foreign = { _def: { type: 'query' } }
    expect(() => callAround(foreign, options('query'), () => {})).toThrow('that @trpc/server 11 built')
  })
})
