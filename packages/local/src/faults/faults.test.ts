import { initTRPC } from '@trpc/server'
import { trunklineError } from '@trunkline/client'
import { createLine } from '@trunkline/server'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { startLocalLine } from '../line/start-local-line.ts'
import type { FaultEffect, FaultPoint } from './fault-effects.ts'

const line = createLine()
const key = z.object({ room: z.string() })
const messages = line.channel('faults', { key, event: z.object({ text: z.string() }) })
const t = initTRPC.create()
const router = t.router({
  whoami: t.procedure.query(() => 'you'),
  post: t.procedure
    .input(key.extend({ text: z.string() }))
    .mutation(({ input: { room, text } }) => messages.publish({ room }, { text })),
  live: t.procedure.input(key).subscription(({ input }) => messages.subscribe(input)),
})

/** A room with one subscriber. `received(count)` resolves when it has received `count` texts. */
async function listening() {
  const local = await startLocalLine({ router, line })
  const ann = local.connect({ timeoutMs: 2_000 })
  const bob = local.connect()
  const seen: string[] = []
  const waiting: { readonly count: number; readonly resolve: () => void }[] = []
  const received = (count: number) =>
    new Promise<void>((resolve) => (seen.length >= count ? resolve() : waiting.push({ count, resolve })))
  await new Promise<void>((resolve) => {
    bob.client.live.subscribe(
      { room: 'x' },
      {
        onStarted: () => resolve(),
        onData: ({ data }) => {
          seen.push(data.text)
          for (const { count, resolve } of waiting) if (seen.length >= count) resolve()
        },
      },
    )
  })
  return { local, ann, bob, seen, received }
}

describe('a fault', () => {
  test.each<readonly [FaultPoint, FaultEffect]>([
    ['push', 'drop'],
    ['push', 'duplicate'],
    ['push', 'reorder'],
    ['push', 'throttle'],
    ['push', 'fail'],
    ['push', { delayMs: 50 }],
    ['store', { delayMs: 20 }],
    ['function', 'duplicate'],
    ['function', { delayMs: 20 }],
    ['answer', 'duplicate'],
    ['answer', 'reorder'],
    ['frame', { delayMs: 20 }],
    ['frame', 'reorder'],
  ])('at %s of %j causes no loss, duplicate or reordering for a subscriber', async (point, effect) => {
    const { local, ann, seen, received } = await listening()
    local.faults.on(point, effect, { times: 2 })
    for (const text of ['1', '2', '3', '4']) await local.run(() => messages.publish({ room: 'x' }, { text }))
    await ann.client.whoami.query()
    await received(4)
    expect(seen).toEqual(['1', '2', '3', '4'])
    await local.close()
  })

  test('applies as often as set, after the skipped matches, at the named path', async () => {
    const { local, ann } = await listening()
    using rule = local.faults.on('answer', 'drop', { times: 1, skip: 1, path: 'whoami' })
    expect(await ann.client.whoami.query()).toBe('you')
    const lost = ann.client.whoami.query({} as never, { timeoutMs: 300 } as never).catch((thrown: unknown) => thrown)
    expect(trunklineError(await lost)?.code).toBe('TIMEOUT')
    expect(await ann.client.whoami.query()).toBe('you')
    expect(rule.hits).toBe(1)
    await local.close()
  })

  test('applies to the named connection until it is disposed', async () => {
    const { local, ann, bob } = await listening()
    const rule = local.faults.on('answer', 'drop', { connection: ann.connection })
    expect(await bob.client.whoami.query()).toBe('you')
    expect(rule.hits).toBe(0)
    rule[Symbol.dispose]()
    expect(await ann.client.whoami.query()).toBe('you')
    await local.close()
  })

  test('that a point does not support is rejected by name', async () => {
    const { local } = await listening()
    expect(() => local.faults.on('anwser' as never, 'drop')).toThrow('Expected a fault point (frame, answer')
    expect(() => local.faults.on('stream', 'gone')).toThrow("Expected an effect of 'stream' (drop), got gone.")
    await local.close()
  })
})
