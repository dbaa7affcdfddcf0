// More than 200 lines: the rules of one feature are in one file.

import { initTRPC } from '@trpc/server'
import { defined } from '@trunkline/protocol'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import type { LineMeta } from '../define/identity.ts'
import { createLine } from '../line/create-line.ts'
import { createTestLine, settle } from './test-line.suite.ts'

function counting() {
  const line = createLine()
  const key = z.object({ room: z.string() })
  const messages = line.channel('chat', { key, event: z.object({ text: z.string() }) })
  const t = initTRPC.context<{ user: string | null; key: string | undefined }>().meta<LineMeta>().create()
  const effects: string[] = []
  let open: () => void = () => {}
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  const text = z.object({ text: z.string() })
  const router = t.router({
    pay: t.procedure.input(text).mutation(({ input, ctx }) => {
      effects.push(input.text)
      return { paid: input.text, at: effects.length, key: ctx.key }
    }),
    fail: t.procedure.input(text).mutation(({ input }) => {
      effects.push(input.text)
      throw new Error('declined')
    }),
    slow: t.procedure.input(text).mutation(async ({ input }) => {
      effects.push(input.text)
      await gate
      return 'done'
    }),
    hang: t.procedure.input(text).mutation(({ input }) => {
      effects.push(input.text)
      return new Promise<never>(() => {})
    }),
    again: t.procedure
      .input(text)
      .meta({ repeatable: true })
      .mutation(async ({ input }) => {
        effects.push(input.text)
        await messages.publish({ room: 'x' }, { text: input.text })
        if (effects.length === 1) await new Promise<never>(() => {})
        return 'said'
      }),
    type: t.procedure
      .input(text)
      .meta({ idempotent: true })
      .mutation(({ input }) => void effects.push(input.text)),
  })
  const made = createTestLine({
    line,
    router,
    authorize: ({ token }) => ({ principal: token ?? 'nobody', claims: {}, expiresAt: new Date(1_900_000_000_000) }),
    createContext: ((call: { principal: string | null; idempotencyKey?: string }) => ({
      user: call.principal,
      key: call.idempotencyKey,
    })) as never,
    onError: () => {},
  })
  const keyOf = (name: string, age = 0) => `auto.${(made.clock.now() - age).toString(36)}.${name.padEnd(22, 'x')}`
  return { ...made, effects, messages, open, keyOf }
}

const mutate = (path: string, text: string, key: string | undefined, id = 1) => ({
  id,
  method: 'mutation',
  params: { path, input: { text }, ...defined({ key }) },
})

describe('a keyed mutation', () => {
  test('that is sent twice has one effect and one answer, equal apart from the id [TL-KEY-1]', async () => {
    const line = counting()
    const ann = await line.connect({ token: 'ann' })
    const key = line.keyOf('a')
    const first = JSON.stringify(await ann.send(mutate('pay', 'five', key, 1)))
    const other = await line.connect({ token: 'ann' })
    const second = JSON.stringify(await other.send(mutate('pay', 'five', key, 2)))
    expect(line.effects).toEqual(['five'])
    expect(second.replace('"id":2', '"id":1')).toBe(first)
  })
  test('passes its key to the procedure', async () => {
    const line = counting()
    const ann = await line.connect({ token: 'ann' })
    const key = line.keyOf('a')
    expect(await ann.send(mutate('pay', 'five', key))).toMatchObject({ result: { data: { key } } })
  })
  test('stores the error that its procedure threw as its one answer [TL-KEY-1]', async () => {
    const line = counting()
    const ann = await line.connect({ token: 'ann' })
    const key = line.keyOf('a')
    const first = await ann.send(mutate('fail', 'five', key))
    expect(first).toMatchObject({ error: { message: 'declined' } })
    expect(await ann.send(mutate('fail', 'five', key))).toEqual(first)
    expect(line.effects).toEqual(['five'])
  })
  test('of another principal is another mutation [TL-KEY-2]', async () => {
    const line = counting()
    const key = line.keyOf('a')
    await (await line.connect({ token: 'ann' })).send(mutate('pay', 'five', key))
    await (await line.connect({ token: 'bob' })).send(mutate('pay', 'five', key))
    expect(line.effects).toHaveLength(2)
  })
  test.each([
    ['pay', 'six'],
    ['fail', 'five'],
  ])('is refused for %s with %s, since its key was used for something else [TL-KEY-3]', async (path, text) => {
    const line = counting()
    const ann = await line.connect({ token: 'ann' })
    const key = line.keyOf('a')
    await ann.send(mutate('pay', 'five', key))
    expect(await ann.send(mutate(path, text, key))).toMatchObject({ line: { code: 'KEY_REUSED', retry: 'never' } })
    expect(line.effects).toHaveLength(1)
  })
  test.each([
    ['is older than a day', 25 * 3_600_000],
    ['comes from ahead', -6 * 60_000],
  ])('is refused when its key %s [TL-KEY-4]', async (_, age) => {
    const line = counting()
    const ann = await line.connect({ token: 'ann' })
    expect(await ann.send(mutate('pay', 'five', line.keyOf('a', age)))).toMatchObject({ line: { code: 'KEY_EXPIRED' } })
    expect(line.effects).toEqual([])
  })
  test('is malformed when its key has neither of the two forms [TL-KEY-4]', async () => {
    const line = counting()
    const ann = await line.connect({ token: 'ann' })
    for (const key of ['mine', 'own.', '', 'auto.', 'auto.x.short', 'own.\ud800', `own.${'k'.repeat(253)}`])
      expect(await ann.send(mutate('pay', 'five', key)), key).toMatchObject({
        id: 1,
        line: { code: 'MALFORMED', retry: 'never', mayHaveRun: false },
      })
    expect(line.effects).toEqual([])
    expect(await ann.send(mutate('pay', 'five', 'own.mine'))).toMatchObject({ result: { type: 'data' } })
  })
  test('with an invalid input claims nothing', async () => {
    const line = counting()
    const ann = await line.connect({ token: 'ann' })
    const key = line.keyOf('a')
    const wrong = { id: 1, method: 'mutation', params: { path: 'pay', input: { text: 5 }, key } }
    expect(await ann.send(wrong)).toMatchObject({ error: { data: { code: 'BAD_REQUEST' } } })
    expect(await ann.send(mutate('pay', 'five', key))).toMatchObject({ result: { type: 'data' } })
  })
  test('that is sent again while it runs gets PENDING [TL-KEY-5]', async () => {
    const line = counting()
    const ann = await line.connect({ token: 'ann' })
    const key = line.keyOf('a')
    const first = ann.send(mutate('slow', 'five', key))
    await settle()
    expect(await ann.send(mutate('slow', 'five', key))).toMatchObject({
      line: { code: 'PENDING', retryAfterMs: 1_000 },
    })
    line.open()
    expect(await first).toMatchObject({ result: { data: 'done' } })
    expect(await ann.send(mutate('slow', 'five', key))).toMatchObject({ result: { data: 'done' } })
    expect(line.effects).toHaveLength(1)
  })
  test('whose function died while it ran is OUTCOME_UNKNOWN for good [TL-KEY-6]', async () => {
    const line = counting()
    const ann = await line.connect({ token: 'ann' })
    const key = line.keyOf('a')
    const first = ann.send(mutate('hang', 'five', key))
    await settle()
    await line.clock.advance(28_000)
    expect(await first).toMatchObject({ line: { code: 'TIMEOUT', mayHaveRun: true } })
    expect(await ann.send(mutate('hang', 'five', key))).toMatchObject({ line: { code: 'PENDING' } })
    await line.clock.advance(60_000)
    for (const _ of [1, 2])
      expect(await ann.send(mutate('hang', 'five', key))).toMatchObject({
        line: { code: 'OUTCOME_UNKNOWN', retry: 'never' },
      })
    expect(line.effects).toHaveLength(1)
  })
  test('that is repeatable runs again, and its events are published once [TL-KEY-6] [TL-KEY-9]', async () => {
    const line = counting()
    const ann = await line.connect({ token: 'ann' })
    const key = line.keyOf('a')
    const first = ann.send(mutate('again', 'five', key))
    await settle()
    await line.asScript(() => line.messages.publish({ room: 'x' }, { text: 'between' }))
    await line.clock.advance(28_000)
    await first
    await line.clock.advance(60_000)
    expect(await ann.send(mutate('again', 'five', key))).toMatchObject({ result: { data: 'said' } })
    const { events } = await line.asScript(() => line.messages.read({ room: 'x' }))
    expect(events.map(({ data }) => data.text)).toEqual(['five', 'between'])
  })
  test('whose publish conflicted too often stores no outcome, so that it can be repeated [TL-KEY-6]', async () => {
    const line = counting()
    const ann = await line.connect({ token: 'ann' })
    const key = line.keyOf('a')
    line.effects.push('an earlier one') // so that the procedure does not hang
    const { putSlot } = line.store
    Object.assign(line.store, {
      putSlot: async () => ({
        status: 'taken',
        slot: { offset: 1, epoch: 'e', publishId: 'other', time: 0, expires: 9e9 },
      }),
    })
    const sent = ann.send(mutate('again', 'five', key))
    for (let n = 0; n < 27 * 10; n++) await line.clock.advance(100) // it backs off
    expect(await sent).toMatchObject({ line: { retry: 'later' } })
    Object.assign(line.store, { putSlot })
    await line.clock.advance(60_000)
    expect(await ann.send(mutate('again', 'five', key))).toMatchObject({ result: { data: 'said' } })
  })
  test('that is idempotent records nothing and runs again [TL-KEY-7]', async () => {
    const line = counting()
    const ann = await line.connect({ token: 'ann' })
    const key = line.keyOf('a')
    await ann.send(mutate('type', 'x', key))
    await ann.send(mutate('type', 'x', key))
    expect(line.effects).toHaveLength(2)
  })
  test('without a key that was sent before is refused, unless it is idempotent [TL-KEY-8]', async () => {
    const line = counting()
    const ann = await line.connect({ token: 'ann' })
    const resend = (path: string) => ({
      id: 1,
      method: 'mutation',
      params: { path, input: { text: 'x' }, resend: true },
    })
    expect(await ann.send(resend('pay'))).toMatchObject({ line: { code: 'OUTCOME_UNKNOWN' } })
    expect(await ann.send(resend('type'))).toMatchObject({ result: { type: 'data' } })
  })
})

test('a publish with a key of its own appends once, also with others in between [TL-KEY-9]', async () => {
  const line = counting()
  const say = (text: string, idempotencyKey?: string) =>
    line.asScript(() => line.messages.publish({ room: 'x' }, { text }, defined({ idempotencyKey })))
  const first = await say('tick', 'event-1')
  for (let n = 0; n < 300; n++) await say(`n${n}`)
  expect(await say('tick', 'event-1')).toEqual(first)
  expect((await say('tick', 'event-2')).id).not.toBe(first.id)
})
