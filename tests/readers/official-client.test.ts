import { stream } from '@durable-streams/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inTurn, startProxy, type Treatment } from './proxy.ts'
import { startWorld, upTo } from './world.ts'

let world: Awaited<ReturnType<typeof startWorld>>
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.close())

let names = 0

/**
 * Follows a log with the official client until `to` numbers are there. A client whose response is cut ends with an
 * error; as its guide says, its user begins again at the offset of the last batch.
 */
async function follow(url: string, live: 'sse' | 'long-poll', to: number): Promise<readonly number[]> {
  const numbers: number[] = []
  let offset = '-1'
  let current = 0
  for (let tries = 0; numbers.length < to && tries < 200; tries++) {
    const mine = ++current
    try {
      const response = await stream<{ n: number }>({ url, offset, live, warnOnHttp: false, backoffOptions: quick })
      const delivered = new Promise<void>((resolve) => {
        response.subscribeJson((batch) => {
          if (mine !== current) return // an attempt that has ended may still deliver
          numbers.push(...batch.items.map(({ n }) => n))
          offset = batch.offset
          if (numbers.length < to && !batch.streamClosed) return
          response.cancel()
          resolve()
        })
      })
      // A response is closed before its last batches are delivered.
      await Promise.race([delivered, response.closed.then(() => Promise.race([delivered, pause(1_000)]))])
    } catch {
      await pause(20)
    }
  }
  current += 1
  return numbers
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const quick = { initialDelay: 20, maxDelay: 100, multiplier: 1.5 }

describe.each<[string, readonly Treatment[], 'streams' | 'buffers']>([
  ['streamed', ['stream'], 'streams'],
  ['buffered by the platform', ['stream'], 'buffers'],
  ['buffered by a proxy', ['buffer'], 'buffers'],
  ['cut', ['stream', 'cut', 'refuse', 'cut'], 'streams'],
])(
  'The official client of Durable Streams misses and doubles nothing of a response that is %s',
  (_, treatments, platform) => {
    test.each(['sse', 'long-poll'] as const)('of a channel and of a stream, by %s', async (live) => {
      const target = () => (platform === 'streams' ? world.url : world.bufferedUrl)
      const proxy = await startProxy(target, inTurn(treatments))
      const name = `n${++names}`
      const addressOf = (path: string) =>
        `${proxy.url}/dev/read/${path}?input=${encodeURIComponent(JSON.stringify({ name }))}`
      const [channel, chunks] = await Promise.all([
        follow(addressOf('numbers'), live, 20),
        world.start(name, 20, 20).then(() => follow(addressOf('counts'), live, 20)),
        world.publish(name, 20, 20),
      ])
      await proxy.close()
      expect(channel).toEqual(upTo(20))
      expect(chunks).toEqual(upTo(20))
    })
  },
)
