import { fileURLToPath } from 'node:url'
import { iterate, type LineClient, trunklineError } from '@trunkline/client'
import { describe, expect, test } from 'vitest'
import type { AppRouter } from '../testing/entry.suite.ts'
import { messages } from '../testing/entry.suite.ts'
import { startLocalEntry } from './start-local-entry.ts'

const entry = fileURLToPath(new URL('../testing/entry.suite.ts', import.meta.url))

/** The texts that a subscription gets. Resolves when it is live: an event of before would not come. */
async function watch(client: LineClient<AppRouter>): Promise<readonly string[]> {
  const seen: string[] = []
  await new Promise<void>((resolve, reject) => {
    client.live.subscribe(
      { room: 'x' },
      { onStarted: () => resolve(), onData: ({ data }) => void seen.push(data.text), onError: reject },
    )
  })
  return seen
}

describe('an entry on the local line', () => {
  test('runs as deployed, in workers: calls, live events, and what a script publishes', async () => {
    await using local = await startLocalEntry<AppRouter>({ entry })
    const { client } = local.connect()
    expect(await client.hello.query()).toBe('hello')
    const seen = await watch(client)
    await client.post.mutate({ room: 'x', text: 'from a call' })
    await expect.poll(() => seen, { timeout: 30_000 }).toEqual(['from a call'])
    await local.run(() => messages.publish({ room: 'x' }, { text: 'from a script' }))
    await expect.poll(() => seen, { timeout: 30_000 }).toEqual(['from a call', 'from a script'])
  })

  test('kills an endless loop at its deadline, and the caller and its neighbour continue', async () => {
    await using local = await startLocalEntry<AppRouter>({ entry })
    const ann = local.connect({ timeoutMs: 60_000 })
    const bob = local.connect()
    expect(await bob.client.hello.query()).toBe('hello')
    const spinning = ann.client.spin.query().catch((thrown: unknown) => thrown)
    await expect.poll(() => bob.client.hello.query()).toBe('hello')
    await local.clock.advance('61s')
    expect(['FUNCTION_FAILED', 'TIMEOUT']).toContain(trunklineError(await spinning)?.code)
    expect(await ann.client.hello.query()).toBe('hello')
  })

  test('answers a call whose process ended with a typed error', async () => {
    await using local = await startLocalEntry<AppRouter>({ entry })
    const { client } = local.connect({ timeoutMs: 5_000 })
    expect(await client.hello.query()).toBe('hello')
    const error: unknown = await client.exit.query().catch((thrown: unknown) => thrown)
    expect(trunklineError(error)?.code).toBe('FUNCTION_FAILED')
    expect(await client.hello.query()).toBe('hello')
  })

  test('answers calls, stops and ends of connections while generators and long calls hold their threads', async () => {
    await using local = await startLocalEntry<AppRouter>({ entry, backgroundRuns: 1 })
    const ended: string[] = []
    const busy = local.connect({ timeoutMs: 600_000 })
    const other = local.connect()
    const long = Array.from({ length: 4 }, () => busy.client.waits.query())
    const generators = Array.from({ length: 4 }, () => iterate(busy.client.holds, undefined))
    const values = generators.map((generator) => generator.next().catch(() => ended.push('value')))
    expect(await other.client.hello.query()).toBe('hello')
    const seen = await watch(other.client)
    await other.client.post.mutate({ room: 'x', text: 'delivered' })
    await expect.poll(() => seen, { timeout: 30_000 }).toEqual(['delivered'])
    await Promise.all(generators.map((generator) => generator.return?.(undefined)))
    await Promise.all(values)
    await other.connection.close()
    expect(await busy.client.hello.query()).toBe('hello')
    await busy.client.post.mutate({ room: 'go', text: 'now' })
    expect(new Set(await Promise.all(long))).toEqual(new Set(['done']))
  })

  test.each([0, 1.5, -1, Number.NaN])('rejects %s background runs', async (backgroundRuns) => {
    await expect(startLocalEntry({ entry, backgroundRuns })).rejects.toThrow(
      `Expected backgroundRuns to be a whole number from 1, got ${backgroundRuns}.`,
    )
  })

  test('names the missing exports when it exports no functions', async () => {
    const none = fileURLToPath(new URL('../emulators/clock.ts', import.meta.url))
    await expect(startLocalEntry({ entry: none })).rejects.toThrow(
      'to export websocket or handler, got createLocalClock. Write export const { handler } =',
    )
  })
})
