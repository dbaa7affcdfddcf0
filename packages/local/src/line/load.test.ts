import { initTRPC } from '@trpc/server'
import { createLine } from '@trunkline/server'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import type { LocalClient } from './local-client.ts'
import type { LocalLine } from './local-line.ts'
import { startLocalLine } from './start-local-line.ts'

const line = createLine()
const key = z.object({ room: z.string() })
const events = line.channel('load', { key, event: z.object({ n: z.number() }), retention: '24h' })
const t = initTRPC.create()
const router = t.router({
  live: t.procedure.input(key).subscription(({ input }) => events.subscribe(input)),
  say: t.procedure
    .input(key.extend({ n: z.number() }))
    .mutation(({ input: { n, room } }) => events.publish({ room }, { n })),
})

type Line = LocalLine<typeof router>
type Client = LocalClient<typeof router>

/** Subscribes to a room and resolves when it is live. Returns the received events. */
async function follow({ client }: Client, room = 'x'): Promise<readonly number[]> {
  const seen: number[] = []
  await new Promise<void>((resolve, reject) =>
    client.live.subscribe(
      { room },
      {
        onStarted: () => resolve(),
        onData: ({ data }) => void seen.push(data.n),
        onError: reject,
        onGap: () => seen.push(-1),
      },
    ),
  )
  return seen
}

const publish = (local: Line, n: number, room = 'x') => local.run(() => events.publish({ room }, { n }))

describe('200 subscriptions', () => {
  test('on 10 sockets receive one publish once each, as 10 posts', async () => {
    await using local = await startLocalLine({ router, line })
    const seen: (readonly number[])[] = []
    for (let n = 0; n < 10; n++) {
      const client = local.connect() // sequentially, because subscribes are slow on a table in this process
      seen.push(...(await Promise.all(Array.from({ length: 20 }, () => follow(client)))))
    }
    using pushes = local.faults.on('push', { delayMs: 0 })
    await publish(local, 1)
    await settled(local, () => seen.every((each) => each.length > 0))
    expect(seen).toEqual(seen.map(() => [1]))
    expect(pushes.hits).toBe(10)
  })
})

/** 1,000 mutations take about 15 s on an idle machine; `npm run test:long` sends as many. */
const burst = Number(process.env['TRUNKLINE_BURST'] ?? 300)

describe(`${burst} mutations at once on a line that has just started`, () => {
  test.each<[string, { readonly idempotencyKey?: false }]>([
    ['without a key', { idempotencyKey: false }],
    ['with a key each', {}],
  ])('all get a response, %s', async (_, options) => {
    await using local = await startLocalLine({ router, line })
    const { client } = local.connect()
    const begun = Date.now()
    const said = await Promise.allSettled(
      Array.from({ length: burst }, (_, n) => client.say.mutate({ room: `r${n % 10}`, n }, options)),
    )
    console.info(`${burst} mutations: ${Date.now() - begun} ms`)
    expect(said.filter(({ status }) => status === 'rejected')).toEqual([])
    const offsets = await Promise.all(
      Array.from({ length: 10 }, (_, n) => local.run(() => events.read({ room: `r${n}` }, { limit: 200 }))),
    )
    expect(offsets.map(({ events: { length } }) => length)).toEqual(Array(10).fill(burst / 10))
  })
})

/** The pace of deliveries uses the line's clock, which runs. */
async function settled(local: Line, done: () => boolean): Promise<void> {
  for (let step = 0; step < 100 && !done(); step++) {
    await local.idle()
    await local.clock.advance('50ms')
  }
  await local.idle()
}

describe('a connection whose posts fail', () => {
  test.each(['hang', 'throttle', 'fail'] as const)(
    'for %s delays nobody else, and recovers without loss',
    async (fault) => {
      await using local = await startLocalLine({ router, line })
      const [ann, bob] = [local.connect(), local.connect()]
      const [slow, quick] = [await follow(ann), await follow(bob)]
      const blocked = local.faults.on('push', fault, { connection: ann.connection })
      for (const n of [1, 2, 3, 4]) await publish(local, n)
      await local.clock.advance('7s')
      expect(quick).toEqual([1, 2, 3, 4])
      expect(slow).toEqual([])
      blocked[Symbol.dispose]()
      await local.clock.advance('60s')
      await publish(local, 5)
      await local.clock.advance('10s')
      expect([slow, quick]).toEqual([
        [1, 2, 3, 4, 5],
        [1, 2, 3, 4, 5],
      ])
    },
  )
  test('catches up at its keepalive when nothing else is published and every retry failed', async () => {
    await using local = await startLocalLine({ router, line })
    const ann = local.connect()
    const slow = await follow(ann)
    local.faults.on('push', 'drop', { connection: ann.connection })
    await publish(local, 1)
    await local.clock.advance('10s')
    expect(slow).toEqual([])
    await local.clock.advance('6m')
    expect(slow).toEqual([1])
  })
})

describe('an account that throttles', () => {
  test('slows a fan-out and loses no event', async () => {
    await using local = await startLocalLine({ router, line })
    const clients = Array.from({ length: 40 }, () => local.connect())
    const seen = await Promise.all(clients.map((client) => follow(client)))
    const refused = local.faults.on('push', 'throttle', { times: 120 })
    await publish(local, 1)
    await local.clock.advance('30s')
    expect(refused.hits).toBe(120)
    expect(seen).toEqual(seen.map(() => [1]))
  })
})

describe('a connection that is gone', () => {
  test('is pruned alone, and its neighbours receive events immediately', async () => {
    await using local = await startLocalLine({ router, line })
    const [ann, bob] = [local.connect(), local.connect()]
    const [first, second] = [await follow(ann), await follow(bob)]
    local.faults.on('push', 'gone', { connection: ann.connection, times: 1 })
    await publish(local, 1)
    await local.idle()
    expect(second).toEqual([1])
    await publish(local, 2)
    await local.idle()
    expect([first, second]).toEqual([[], [1, 2]]) // a wrong 410: its socket is open
    await local.clock.advance('6m') // its keepalive detects it
    expect([first, second]).toEqual([
      [1, 2],
      [1, 2],
    ])
  })
})
