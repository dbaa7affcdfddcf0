import { initTRPC, lazy } from '@trpc/server'
import { beforeEach, describe, expect, test } from 'vitest'
import * as z from 'zod'
import type { LineMeta } from '../../define/identity.ts'
import { createTestLine, settle, type TestClient } from '../../lambda/test-line.suite.ts'

const t = initTRPC.meta<LineMeta>().context<{ readonly cause?: string }>().create()
const long = t.procedure.meta({ longRunning: true })
let runs = 0
let signals: AbortSignal[] = []
let release: (() => void)[] = []

/** Runs until it is released, whatever its signal says. */
async function lasting(signal: AbortSignal | undefined): Promise<string> {
  runs += 1
  if (signal !== undefined) signals.push(signal)
  await new Promise<void>((resolve) => release.push(resolve))
  return `done ${runs}`
}

const reports = t.router({
  make: long.input(z.object({ of: z.string() })).mutation(({ signal }) => lasting(signal)),
  again: long.meta({ repeatable: true }).mutation(({ signal }) => lasting(signal)),
  read: long.query(({ signal }) => lasting(signal)),
  who: long.query(({ ctx }) => ctx.cause),
  fail: long.query(() => {
    throw new Error('boom')
  }),
})
const router = t.router({ reports, later: lazy(async () => ({ reports })) })
const key = 'own.report-1'
const made = { id: 7, method: 'mutation', params: { path: 'reports.make', input: { of: 'may' }, key } }
const read = { id: 5, method: 'query', params: { path: 'reports.read' } }
const createLine = () =>
  createTestLine({ router, onError: () => {}, createContext: (call) => ({ cause: call.cause }) as never })
const answersOf = (client: TestClient, id: number) =>
  client.frames().filter((frame) => (frame as { readonly id: number }).id === id)
const accepted = { id: 7, result: { type: 'accepted', key, askAfterMs: 15_000 } }
const done = { id: 7, result: { type: 'data', data: 'done 1' } }

beforeEach(() => {
  runs = 0
  signals = []
  release = []
})

async function finish(): Promise<void> {
  await settle()
  for (const free of release) free()
}

describe('a procedure that is marked longRunning', () => {
  test.each(['reports.who', 'later.who'])(
    'runs in the worker and is answered by a post: %s [TL-LONG-1]',
    async (path) => {
      const line = createLine()
      const client = await line.connect()
      const asked = { id: 5, method: 'query', params: { path } }
      expect(await client.send(asked)).toEqual({ id: 5, result: { type: 'accepted' } })
      expect(client.frames()).toEqual([])
      await line.work()
      expect(client.frames()).toEqual([{ id: 5, result: { type: 'data', data: 'worker' } }])
    },
  )

  test('costs its frame one write of a place when it has no key [TL-RUN-1]', async () => {
    const asked: string[] = []
    const line = createTestLine({
      router,
      onError: () => {},
      store: (inner) =>
        new Proxy(inner, {
          get(target, name) {
            const member: unknown = Reflect.get(target, name)
            if (typeof member !== 'function') return member
            return (...args: readonly unknown[]) => {
              asked.push(String(name))
              return Reflect.apply(member, target, args) as unknown
            }
          },
        }),
    })
    const client = await line.connect()
    asked.length = 0
    await client.send(read)
    expect(asked).toEqual(['takeRunPlace'])
  })

  test('is answered only by its post for a stock client [TL-LONG-1]', async () => {
    const line = createLine()
    const client = await line.connect({ stock: true })
    expect(await client.send({ id: 5, method: 'query', params: { path: 'reports.who' } })).toBeUndefined()
    await line.work()
    expect(client.frames()).toEqual([{ id: 5, result: { type: 'data', data: 'worker' } }])
  })

  test('may take longer than a frame, up to the worker’s deadline, when it ends with TIMEOUT', async () => {
    const line = createLine()
    const client = await line.connect()
    await client.send(read)
    const working = line.work()
    await settle()
    await line.clock.advance(894_000)
    expect(client.frames()).toEqual([])
    await line.clock.advance(1_000)
    await working
    expect(answersOf(client, 5)).toMatchObject([{ error: { data: { code: 'TIMEOUT' } }, line: { code: 'TIMEOUT' } }])
    expect(signals[0]?.aborted).toBe(true)
  })

  test('answers with the error that it throws', async () => {
    const line = createLine()
    const client = await line.connect()
    await client.send({ id: 5, method: 'query', params: { path: 'reports.fail' } })
    await line.work()
    expect(client.frames()).toMatchObject([{ id: 5, error: { message: 'boom' } }])
  })

  test('is rejected with the name of the missing setting when there is no worker', async () => {
    const line = createTestLine({ router, onError: () => {}, withoutInvoker: true })
    const client = await line.connect()
    expect(await client.send(read)).toMatchObject({
      id: 5,
      error: { message: expect.stringContaining('TRUNKLINE_WORKER') },
    })
  })
})

describe('an invocation of the worker that is repeated', () => {
  test('runs a call without a key once: the second finds the live claim and ends [TL-LONG-2]', async () => {
    const line = createLine()
    const client = await line.connect({ stock: true })
    await client.send(read)
    const [job] = line.invoked
    const both = [line.work(), line.work(job?.payload)]
    await finish()
    await Promise.all(both)
    await line.work(job?.payload) // and one that comes when it is over
    expect(runs).toBe(1)
    expect(answersOf(client, 5)).toEqual([{ id: 5, result: { type: 'data', data: 'done 1' } }])
  })

  test('runs a keyed mutation once [TL-LONG-2] [TL-KEY-1]', async () => {
    const line = createLine()
    const client = await line.connect()
    await client.send(made)
    const [job] = line.invoked
    const both = [line.work(), line.work(job?.payload)]
    await finish()
    await Promise.all(both)
    expect(runs).toBe(1)
    expect(answersOf(client, 7)).toEqual([done])
  })

  test('after the first one died reports FUNCTION_FAILED instead of running the call again [TL-LONG-3]', async () => {
    const line = createLine()
    const client = await line.connect({ stock: true })
    const claims = line.store.claimRun.bind(line.store)
    line.store.claimRun = async (claim) => {
      const claimed = await claims(claim)
      line.store.claimRun = claims
      if (claimed.status === 'claimed') throw new Error('killed')
      return claimed
    }
    await client.send(read)
    const [job] = line.invoked
    await line.work().catch(() => {})
    await line.clock.advance(60_000)
    await line.work(job?.payload)
    await line.work(job?.payload)
    expect(runs).toBe(0)
    expect(answersOf(client, 5).at(-1)).toMatchObject({
      line: { code: 'FUNCTION_FAILED', retry: 'later', mayHaveRun: true },
    })
    expect(answersOf(client, 5)).toHaveLength(2) // the killed one reported that its table failed, since this kill allows it
  })
})

describe('a keyed mutation that runs in the worker', () => {
  test('is accepted, then answered, and a resend gets PENDING and then the recorded result [TL-KEY-5] [TL-LONG-1]', async () => {
    const line = createLine()
    const client = await line.connect()
    expect(await client.send(made)).toEqual(accepted)
    const working = line.work()
    await settle()
    expect(await client.send(made)).toMatchObject({ line: { code: 'PENDING', retryAfterMs: 5_000 } })
    expect(line.invoked).toHaveLength(1)
    await finish()
    await working
    expect(answersOf(client, 7)).toEqual([done])
    expect(await client.send(made)).toEqual(done)
    expect(runs).toBe(1)
  })

  test('continues when its connection is lost, and answers a resend under its key on the next one', async () => {
    const line = createLine()
    const client = await line.connect({ connectionId: 'x1=' })
    await client.send(made)
    const working = line.work()
    await settle()
    await client.disconnect()
    await line.clock.advance(2_000)
    expect(signals[0]?.aborted).toBe(false)
    await finish()
    await working
    const next = await line.connect({ connectionId: 'x1=' }) // the session's name follows the id here
    expect(await next.send(made)).toEqual(done)
    expect(runs).toBe(1)
  })

  test('is rejected by the worker when its input is invalid, and claims nothing [TL-KEY-13]', async () => {
    const line = createLine()
    const client = await line.connect()
    const invalid = { ...made, params: { ...made.params, input: { of: 5 } } }
    expect(await client.send(invalid)).toEqual(accepted)
    await line.work()
    expect(answersOf(client, 7)).toMatchObject([{ error: { data: { code: 'BAD_REQUEST' } } }])
    await client.send(made)
    const working = line.work()
    await finish()
    await working
    expect(answersOf(client, 7).at(-1)).toEqual(done)
  })

  test('is rejected before a worker starts when its key was used for another call', async () => {
    const line = createLine()
    const client = await line.connect()
    await client.send(made)
    const working = line.work()
    await finish()
    await working
    const other = { ...made, params: { ...made.params, input: { of: 'june' } } }
    expect(await client.send(other)).toMatchObject({ line: { code: 'KEY_REUSED' } })
  })

  test.each([
    ['reports.make', 'OUTCOME_UNKNOWN'],
    ['reports.again', 'accepted'],
  ])('whose function died: %s is answered with %s once the lease is over [TL-KEY-6]', async (path, expected) => {
    const line = createLine()
    const client = await line.connect()
    const input = path === 'reports.make' ? { of: 'may' } : undefined
    const asked = { id: 7, method: 'mutation', params: { path, input, key } }
    await client.send(asked)
    const lost = line.work()
    await settle()
    void lost // it never ends: its function is gone
    await line.clock.advance(925_000)
    expect(await client.send(asked)).toMatchObject({ line: { code: 'PENDING' } })
    await line.clock.advance(6_000)
    const answer = await client.send(asked)
    expect(JSON.stringify(answer)).toContain(expected)
  })
})

describe('cancel', () => {
  test('reaches the signal of a query within a second, and its answer is not posted [TL-LONG-4]', async () => {
    const line = createLine()
    const client = await line.connect()
    await client.send(read)
    const working = line.work()
    await settle()
    expect(await client.send({ id: 5, method: 'cancel' })).toBeUndefined()
    expect(signals[0]?.aborted).toBe(false)
    await line.clock.advance(1_000)
    expect(signals[0]?.aborted).toBe(true)
    await finish()
    await working
    expect(client.frames()).toEqual([])
  })

  test('reaches a keyed mutation from another connection of its session, and its outcome is recorded [TL-LONG-4]', async () => {
    const line = createLine()
    const client = await line.connect({ connectionId: 'y1=' })
    await client.send(made)
    const working = line.work()
    await settle()
    await client.disconnect()
    await line.clock.advance(10)
    const next = await line.connect({ connectionId: 'y1=' })
    await next.send({ id: 7, method: 'cancel', params: { key } })
    await line.clock.advance(1_000)
    expect(signals[0]?.aborted).toBe(true)
    await finish()
    await working
    expect(await next.send(made)).toEqual(done)
  })

  test('of an earlier attempt does not cancel the next call under the same key', async () => {
    const line = createLine()
    const client = await line.connect()
    await client.send({ id: 7, method: 'cancel', params: { key } })
    await line.clock.advance(10)
    await client.send(made)
    const working = line.work()
    await settle()
    await line.clock.advance(2_000)
    expect(signals[0]?.aborted).toBe(false)
    await finish()
    await working
    expect(answersOf(client, 7)).toEqual([done])
  })

  test('of a key does not reach another caller’s call with the same key text', async () => {
    const line = createLine()
    const [client, other] = [await line.connect(), await line.connect()]
    await client.send(made)
    const working = line.work()
    await settle()
    await line.clock.advance(10)
    await other.send({ id: 7, method: 'cancel', params: { key } })
    await line.clock.advance(2_000)
    expect(signals[0]?.aborted).toBe(false)
    await finish()
    await working
  })

  test('happens automatically to a query whose connection is closed', async () => {
    const line = createLine()
    const client = await line.connect()
    await client.send(read)
    const working = line.work()
    await settle()
    await client.disconnect()
    await line.clock.advance(1_000)
    expect(signals[0]?.aborted).toBe(true)
    await finish()
    await working
  })
})
