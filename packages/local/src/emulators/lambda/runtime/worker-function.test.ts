import { fileURLToPath } from 'node:url'
import { createTRPCClient, createWSClient, wsLink } from '@trpc/client'
import { initTRPC, tracked } from '@trpc/server'
import { iterate, trunklineError } from '@trunkline/client'
import { createLine, type LineMeta } from '@trunkline/server'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import * as z from 'zod'
import { startLocalEntry } from '../../../line/start-local-entry.ts'
import { startLocalLine } from '../../../line/start-local-line.ts'
import { type AppRouter, messages as entryMessages } from '../../../testing/entry.suite.ts'

const line = createLine()
const t = initTRPC.meta<LineMeta>().create()
const long = t.procedure.meta({ longRunning: true })
let runs = 0
let seen: string[] = []
let finish: (() => void)[] = []

/** Ends on request, or when its signal aborts. */
async function lasting(signal: AbortSignal | undefined): Promise<string> {
  runs += 1
  await new Promise<void>((resolve) => {
    finish.push(resolve)
    signal?.addEventListener('abort', () => resolve(), { once: true })
  })
  seen.push(signal?.aborted ? 'aborted' : 'done')
  return `run ${runs}`
}

const router = t.router({
  report: long.query(({ signal }) => lasting(signal)),
  build: long.mutation(({ signal }) => lasting(signal)),
  words: t.procedure.input(z.object({ of: z.string() })).subscription(async function* ({ input, signal }) {
    try {
      for (const word of input.of.split(' ')) yield word
      if (input.of.endsWith('…'))
        await new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve()))
    } finally {
      seen.push(signal?.aborted ? 'closed by its signal' : 'closed')
    }
  }),
  /** A value each minute, in any function. */
  minutes: t.procedure
    .input(z.object({ lastEventId: z.string().optional() }).optional())
    .subscription(async function* ({ input, signal }) {
      for (let minute = Number(input?.lastEventId ?? 0) + 1; !signal?.aborted; minute++) {
        await sleep(60_000, signal)
        if (!signal?.aborted) yield tracked(String(minute), minute)
      }
    }),
})
let sleep: (ms: number, signal: AbortSignal | undefined) => Promise<void> = async () => {}

const start = async () => {
  runs = 0
  seen = []
  finish = []
  return startLocalLine({ router, line, onError: () => {} })
}
const began = (count = 1) => expect.poll(() => runs).toBe(count)

describe('the worker function on the local line', () => {
  test('runs a call for longer than the gateway waits, and its answer is pushed [TL-LONG-1]', async () => {
    await using local = await start()
    const { client } = local.connect()
    const report = client.report.query(undefined, { timeoutMs: 600_000 })
    await began()
    await local.clock.advance('2m')
    finish[0]?.()
    expect(await report).toBe('run 1')
  })

  test('ends a call that the application cancels [TL-LONG-4]', async () => {
    await using local = await start()
    const { client } = local.connect()
    const controller = new AbortController()
    const report = client.report.query(undefined, { signal: controller.signal, timeoutMs: 600_000 })
    report.catch(() => {})
    await began()
    await local.idle()
    controller.abort()
    await local.idle()
    await local.clock.advance('1s')
    await expect.poll(() => seen).toEqual(['aborted'])
  })

  test('answers a keyed mutation once although its sockets are lost [TL-LONG-2] [TL-KEY-1]', async () => {
    await using local = await start()
    const { client, connection } = local.connect()
    const built = client.build.mutate(undefined, { timeoutMs: 600_000 })
    await began()
    await local.idle()
    local.faults.cut(connection)
    await local.clock.advance('3s')
    finish[0]?.()
    await local.idle()
    await local.clock.advance('20s')
    expect(await built).toBe('run 1')
    expect(runs).toBe(1)
  })

  test('delivers the response of a keyed mutation whose push was lost, because its client asks for it [TL-LONG-5]', async () => {
    await using local = await start()
    const { client } = local.connect()
    const built = client.build.mutate(undefined, { timeoutMs: 600_000 })
    await began()
    await local.idle()
    using lost = local.faults.on('push', 'drop', { times: 1 })
    finish[0]?.()
    await expect.poll(() => lost.hits).toBe(1)
    await local.clock.advance('16s')
    expect(await built).toBe('run 1')
  })

  test('does not start a call that waited too long: its client learns that it never ran', async () => {
    await using local = await start()
    const { client } = local.connect()
    using hung = local.faults.on('function', 'hang', { times: 1, path: 'worker' })
    const report = client.report.query(undefined, { timeoutMs: 1_200_000 }).catch((thrown: unknown) => thrown)
    await expect.poll(() => hung.hits).toBe(1)
    await local.clock.advance('15m') // its deadline
    await local.clock.advance('61s') // the retry
    expect(trunklineError(await report)).toMatchObject({ code: 'FUNCTION_FAILED', mayHaveRun: false })
    expect(runs).toBe(0)
  })

  test('reports a call whose function was lost when Lambda retries, and does not run it again [TL-LONG-3]', async () => {
    await using local = await start()
    const { client } = local.connect()
    const report = client.report.query(undefined, { timeoutMs: 600_000 }).catch((thrown: unknown) => thrown)
    await began()
    await local.idle()
    local.faults.kill('worker')
    await local.clock.advance('61s')
    expect(trunklineError(await report)).toMatchObject({ code: 'FUNCTION_FAILED', mayHaveRun: true })
    expect(runs).toBe(1)
  })

  test('reports a generator whose function was lost to tRPC’s own client, a minute later [TL-GEN-7]', async () => {
    await using local = await start()
    const wsClient = createWSClient({ url: local.url, WebSocket: WebSocket as never })
    const stock = createTRPCClient<typeof router>({ links: [wsLink({ client: wsClient })] })
    const words: string[] = []
    const error = new Promise<Error>((resolve) => {
      stock.words.subscribe({ of: 'wait …' }, { onData: (word) => words.push(word), onError: resolve })
    })
    await expect.poll(() => words).toEqual(['wait', '…'])
    await local.idle()
    local.faults.kill('worker')
    await local.clock.advance('61s')
    expect((await error).message).toBe('The function that produced these values died.')
    await wsClient.close()
  })

  test('continues after a lost function if values are tracked, without a signal to its client [TL-GEN-11]', async () => {
    await using local = await start()
    const { client } = local.connect()
    const minutes: number[] = []
    const errors: unknown[] = []
    sleep = () => new Promise((resolve) => setTimeout(resolve, 5))
    const all = new Promise<void>((resolve) => {
      const onData = ({ data }: { readonly data: number }) => minutes.push(data) === 40 && resolve()
      client.minutes.subscribe(undefined, { onData, onError: (error) => errors.push(error) })
    })
    await expect.poll(() => minutes.length).toBeGreaterThan(5)
    local.faults.kill('worker')
    await local.clock.advance('11s')
    await all
    expect(minutes.slice(0, 40)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1))
    expect(errors).toEqual([])
  })

  test('streams the values of a generator to our client and to tRPC’s own [TL-GEN-1] [TL-GEN-2]', async () => {
    await using local = await start()
    const { client } = local.connect()
    const words: string[] = []
    for await (const word of iterate(client.words, { of: 'to be or not' })) words.push(word)
    expect(words).toEqual(['to', 'be', 'or', 'not'])
    const wsClient = createWSClient({ url: local.url, WebSocket: WebSocket as never })
    const stock = createTRPCClient<typeof router>({ links: [wsLink({ client: wsClient })] })
    const stockWords: string[] = []
    await new Promise<void>((resolve, reject) => {
      const onData = (word: string) => stockWords.push(word)
      stock.words.subscribe({ of: 'to be or not' }, { onData, onError: reject, onComplete: resolve })
    })
    expect(stockWords).toEqual(words)
    await wsClient.close()
  })

  test('delivers a value of 300 KB in chunks', async () => {
    await using local = await start()
    const { client } = local.connect()
    const large = 'x'.repeat(300_000)
    const { value } = await iterate(client.words, { of: large }).next()
    expect(value).toBe(large)
  })

  test('closes a generator within a second of unsubscribe, and of a lost socket [TL-GEN-5]', async () => {
    await using local = await start()
    const { client, connection } = local.connect()
    for (const end of ['unsubscribe', 'cut'] as const) {
      seen = []
      const got: string[] = []
      const stop = client.words.subscribe({ of: 'wait …' }, { onData: (word) => got.push(word), onError: () => {} })
      await expect.poll(() => got).toEqual(['wait', '…'])
      if (end === 'unsubscribe') stop.unsubscribe()
      else await connection.close()
      await local.idle()
      await local.clock.advance('1s')
      await expect.poll(() => seen).toEqual(['closed by its signal'])
    }
  })

  test('continues for an hour in functions of 15 minutes, without a signal to the application [TL-GEN-9]', async () => {
    await using local = await start()
    using functions = local.faults.on('function', { delayMs: 0 }, { path: 'worker' })
    sleep = (ms, signal) =>
      new Promise((resolve) => {
        const until = local.clock.now() + ms
        const look = setInterval(() => {
          if (local.clock.now() < until && !signal?.aborted) return
          clearInterval(look)
          resolve()
        }, 1)
      })
    const { client } = local.connect()
    const minutes: number[] = []
    let started = 0
    const errors: unknown[] = []
    client.minutes.subscribe(undefined, {
      onStarted: () => started++,
      onData: ({ data }) => minutes.push(data),
      onError: (error) => errors.push(error),
    })
    await expect.poll(() => started).toBe(1)
    for (let minute = 0; minute < 61; minute++) await local.clock.advance('1m')
    expect(errors).toEqual([])
    expect(minutes.length).toBeGreaterThan(55) // each hand-over restarts its minute
    expect(minutes).toEqual(minutes.map((_, index) => index + 1))
    expect(started).toBe(1)
    expect(functions.hits).toBe(5)
  })
})

describe('the worker function in a worker thread, as deployed', () => {
  const entry = fileURLToPath(new URL('../../../testing/entry.suite.ts', import.meta.url))

  test('streams a generator, and runs a long call', async () => {
    await using local = await startLocalEntry<AppRouter>({ entry })
    const { client } = local.connect()
    const words: string[] = []
    for await (const word of iterate(client.words, undefined)) words.push(word)
    expect(words).toEqual(['one', 'two'])
    expect(await client.report.query(undefined, { timeoutMs: 60_000 })).toBe('worker')
  })

  test('is killed: its client is notified after ten seconds of silence [TL-GEN-10] [TL-GEN-11]', async () => {
    await using local = await startLocalEntry<AppRouter>({ entry })
    const { client } = local.connect()
    const got: string[] = []
    let failure: unknown
    client.dies.subscribe(undefined, {
      onData: (word) => got.push(word),
      onError: (error) => {
        failure = error
      },
    })
    await expect.poll(() => got, { timeout: 15_000 }).toEqual(['last words'])
    await local.run(() => entryMessages.publish({ room: 'last' }, { text: 'now' }))
    while (failure === undefined) await local.clock.advance('11s') // its process ends when the machine schedules it
    expect(trunklineError(failure)).toMatchObject({ code: 'GENERATOR_LOST', retry: 'now' })
  })
})
