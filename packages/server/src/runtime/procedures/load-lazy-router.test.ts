import { initTRPC, lazy } from '@trpc/server'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import type { LineMeta } from '../../define/identity.ts'
import { createTestLine, settle } from '../../lambda/test-line.suite.ts'
import type { Store } from '../../ports/store.ts'

const key = 'own.k'

/** A function that has loaded nothing yet. Functions that share a store are of one line. */
function coldFunction(effects: string[], shared?: Store) {
  const t = initTRPC.meta<LineMeta>().create()
  const text = z.object({ text: z.string() })
  const rooms = t.router({
    say: t.procedure
      .meta({ repeatable: true })
      .input(text)
      .mutation(({ input }) => {
        effects.push(input.text)
        return effects.length === 1 ? new Promise<never>(() => {}) : 'said'
      }),
    mark: t.procedure
      .meta({ idempotent: true })
      .input(text)
      .mutation(({ input }) => void effects.push(input.text)),
  })
  const router = t.router({ rooms: lazy(async () => ({ rooms })) })
  return createTestLine({ router, onError: () => {}, ...(shared === undefined ? {} : { store: () => shared }) })
}

const mutate = (path: string, text: unknown) => ({ id: 1, method: 'mutation', params: { path, input: { text }, key } })
const connectionId = 'a'

describe('a keyed mutation of a lazy router, on a function that has not loaded it', () => {
  test('runs again when it is repeatable and its attempt died [TL-KEY-6]', async () => {
    const effects: string[] = []
    const first = coldFunction(effects)
    void (await first.connect({ connectionId })).send(mutate('rooms.say', 'hi'))
    await settle()
    const second = coldFunction(effects, first.store)
    const ann = await second.connect({ connectionId })
    await second.clock.advance(120_000)
    second.clock.random() // the two draw different names
    expect(await ann.send(mutate('rooms.say', 'hi'))).toMatchObject({ result: { data: 'said' } })
  })
  test('claims nothing for an invalid input', async () => {
    const effects: string[] = ['before']
    const ann = await coldFunction(effects).connect({ connectionId })
    expect(await ann.send(mutate('rooms.say', 5))).toMatchObject({ error: { data: { code: 'BAD_REQUEST' } } })
    expect(await ann.send(mutate('rooms.say', 'hi'))).toMatchObject({ result: { data: 'said' } })
  })
  test('records nothing when it is idempotent [TL-KEY-7]', async () => {
    const effects: string[] = []
    const line = coldFunction(effects)
    const ann = await line.connect({ connectionId })
    await ann.send(mutate('rooms.mark', 'one'))
    await ann.send(mutate('rooms.mark', 'one'))
    expect(effects).toEqual(['one', 'one'])
  })
  test('is not found at an unknown path, and claims nothing [TL-CALL-3]', async () => {
    const ann = await coldFunction([]).connect({ connectionId })
    for (const path of ['rooms.nothing', 'rooms', 'nothing', '__proto__.x'])
      expect(await ann.send(mutate(path, 'x'))).toMatchObject({ error: { data: { code: 'NOT_FOUND' } } })
  })
})
