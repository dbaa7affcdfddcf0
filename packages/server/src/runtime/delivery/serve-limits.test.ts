import { initTRPC } from '@trpc/server'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import type { LineMeta } from '../../define/identity.ts'
import { createLambdaHandlers } from '../../lambda/handlers.ts'
import { createTestLine, settle, type TestLine } from '../../lambda/test-line.suite.ts'
import { createLine } from '../../line/create-line.ts'
import { trafficOf } from '../posting/gateway-traffic.ts'

const line = createLine()
const key = z.object({ room: z.string() })
const events = line.channel('limited', { key, event: z.object({ text: z.string() }) })
const t = initTRPC.meta<LineMeta>().create()
const router = t.router({
  post: t.procedure.input(key).mutation(async ({ input }) => (await events.publish(input, { text: 'hi' })).id),
  live: t.procedure.input(key).subscription(({ input }) => events.subscribe(input)),
})
const topic = 'limited?room=s:x'

interface Limits {
  readonly maxDirectAudience?: number
  readonly maxConcurrentPosts?: number
  readonly accountPostsPerSecond?: number
  readonly maxRuns?: number
}

/** A line with `count` subscribers of one topic, and the connection that publishes. */
async function createAudience(count: number, limits: Limits) {
  const made = createTestLine({ router, line, ...limits })
  for (let n = 0; n < count; n++) {
    const expires = Math.ceil(made.clock.now() / 1_000) + 7_200
    const row = { topic, shard: 0, connectionId: `to${n}=`, id: '1', ref: 1, on: true, path: 'live' }
    await made.store.putSubscriber({ ...row, input: '{"room":"x"}', extensions: true, expires })
    made.gateway.open(row.connectionId)
  }
  const publisher = await made.connect()
  const publish = () => publisher.send({ id: 1, method: 'mutation', params: { path: 'post', input: { room: 'x' } } })
  return { ...made, publish }
}

const postsIn = ({ gateway }: TestLine, count: number) =>
  Array.from({ length: count }, (_, n) => gateway.posted(`to${n}=`).length).reduce((sum, posts) => sum + posts, 0)
const shardJobsOf = ({ invoked }: TestLine) =>
  invoked.filter(({ name, payload }) => name === 'deliver' && 'shard' in (payload as object))

describe('maxDirectAudience', () => {
  test.each<[Limits, number]>([
    [{}, 100],
    [{ maxDirectAudience: 3 }, 3],
  ])('with %j, a publisher posts to %i subscribers itself, and leaves one more to deliver', async (limits, most) => {
    const fitting = await createAudience(most, limits)
    await fitting.publish()
    expect([postsIn(fitting, most), shardJobsOf(fitting)]).toEqual([most, []])
    const larger = await createAudience(most + 1, limits)
    await larger.publish()
    expect([postsIn(larger, most + 1), shardJobsOf(larger).length]).toEqual([0, 1])
  })
  test('of 0 leaves every event that has a subscriber to deliver', async () => {
    const room = await createAudience(1, { maxDirectAudience: 0 })
    await room.publish()
    expect([postsIn(room, 1), shardJobsOf(room).length]).toEqual([0, 1])
    const empty = await createAudience(0, { maxDirectAudience: 0 })
    await empty.publish()
    expect(empty.invoked).toEqual([])
  })
})

describe('maxConcurrentPosts', () => {
  test.each<[Limits, number]>([
    [{}, 50],
    [{ maxConcurrentPosts: 4 }, 4],
  ])('with %j, a delivery posts to %i connections at the same time', async (limits, expected) => {
    const room = await createAudience(60, limits)
    let [running, most] = [0, 0]
    room.gateway.intercept = async () => {
      running += 1
      most = Math.max(most, running)
      await new Promise((resolve) => setImmediate(resolve))
      running -= 1
      return undefined
    }
    await room.publish()
    expect([most, postsIn(room, 60)]).toEqual([expected, 60])
  })
})

describe('accountPostsPerSecond', () => {
  test('is 10,000 by default', async () => {
    const room = await createAudience(1, {})
    await room.publish()
    expect(trafficOf(room.gateway, room).pacer.rate()).toBe(10_000)
  })
  test('paces the posts of a process', async () => {
    const room = await createAudience(30, { accountPostsPerSecond: 20 })
    const published = room.publish()
    await settle()
    expect(postsIn(room, 30)).toBe(3) // the burst of 100 ms, and the post that is due now
    for (let ms = 0; ms < 1_000; ms += 50) await room.clock.advance(50)
    expect(postsIn(room, 30)).toBe(23)
    for (let ms = 0; ms < 1_000; ms += 50) await room.clock.advance(50)
    await published
    expect(postsIn(room, 30)).toBe(30)
  })
  test('is divided among the shards of an audience', async () => {
    const room = await createAudience(1, { accountPostsPerSecond: 4_000 })
    await room.publish()
    const job = { topic, offset: 1, shard: 0, of: 4 }
    await line.withBackend(room.backend, () => room.handlers.deliver(job, { getRemainingTimeInMillis: () => 300_000 }))
    expect(trafficOf(room.gateway, room).pacer.rate()).toBe(1_000)
  })
})

describe('a limit that is out of its range', () => {
  test.each<[Limits, string]>([
    [{ maxDirectAudience: -1 }, 'maxDirectAudience to be a whole number of subscribers from 0 to 1000, got -1'],
    [{ maxDirectAudience: 1_001 }, 'maxDirectAudience to be a whole number of subscribers from 0 to 1000, got 1001'],
    [{ maxConcurrentPosts: 0 }, 'maxConcurrentPosts to be a whole number of connections from 1 to 200, got 0'],
    [{ maxConcurrentPosts: 1.5 }, 'maxConcurrentPosts to be a whole number of connections from 1 to 200, got 1.5'],
    [
      { accountPostsPerSecond: 19 },
      'accountPostsPerSecond to be a whole number of posts per second from 20 to 1000000, got 19',
    ],
    [{ maxRuns: 0 }, 'maxRuns to be a whole number of runs from 1 to 1000, got 0'],
    [{ maxRuns: 1_001 }, 'maxRuns to be a whole number of runs from 1 to 1000, got 1001'],
    [
      { accountPostsPerSecond: Number.NaN },
      'accountPostsPerSecond to be a whole number of posts per second from 20 to 1000000, got NaN',
    ],
  ])('throws a RangeError for %j', (limits, message) => {
    expect(() => createLambdaHandlers({ router, line, ...limits })).toThrow(RangeError)
    expect(() => createLambdaHandlers({ router, line, ...limits })).toThrow(`Expected ${message}. Leave it out for `)
  })
})
