// More than 200 lines: each way in which a procedure is called has its place.
import { initTRPC } from '@trpc/server'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import type { LineMeta } from '../../define/identity.ts'
import { createTestLine, settle, type TestClient, type TestLine } from '../../lambda/test-line.suite.ts'
import { createLine } from '../../line/create-line.ts'
import type { Store } from '../../ports/store.ts'
import { accessOf } from '../subscriptions/store-access.suite.ts'
import type { Answer } from './rated-line.suite.ts'

const key = z.object({ room: z.string() })

/** A line whose procedures have rates; what they ran, and the requests to the table. */
function createLimited(options: Partial<Parameters<typeof createTestLine>[0]> = {}) {
  const line = createLine()
  const events = line.channel('room', { key, event: z.object({ n: z.number() }) })
  const ran: string[] = []
  const entered: string[] = []
  const t = initTRPC.meta<LineMeta>().create()
  const p = t.procedure.meta({ anonymous: true }).use(({ path, next }) => {
    entered.push(path)
    return next()
  })
  const run = (what: string) => () => {
    ran.push(what)
    return what
  }
  const two = p.meta({ rate: '2/s' })
  const router = t.router({
    free: p.query(run('free')),
    read: two.query(run('read')),
    other: two.query(run('other')),
    minute: p.meta({ rate: '2/m' }).query(run('minute')),
    hour: p.meta({ rate: '2/h' }).query(run('hour')),
    pay: two.mutation(run('pay')),
    again: two.meta({ repeatable: true }).mutation(run('again')),
    same: two.meta({ idempotent: true }).mutation(run('same')),
    long: two.meta({ longRunning: true }).query(run('long')),
    longPay: two.meta({ longRunning: true }).mutation(run('longPay')),
    live: two.input(key).subscription(({ input }) => events.subscribe(input)),
    loud: two.input(key).subscription(({ input }) => events.subscribe(input).filter(({ n }) => n > 0)),
    ticks: two.subscription(async function* () {
      ran.push('ticks')
      yield 1
    }),
    lazy: t.router({ read: p.meta({ rate: '2/s' }).query(run('lazy.read')) }),
  })
  const requests: string[] = []
  const made = createTestLine({
    ...{ line, router, onError: () => {}, ...options },
    store: (inner) => recording(options.store?.(inner) ?? inner, requests),
  })
  return { ...made, router, events, ran, entered, requests }
}

function recording(store: Store, requests: string[]): Store {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function' || typeof name !== 'string') return member
      return (...args: readonly unknown[]) => {
        requests.push(`${accessOf(name as keyof Store, args).writes ? 'write' : 'read'} ${name}`)
        return Reflect.apply(member, target, args) as unknown
      }
    },
  })
}

const query = (path: string, id: number | string = 1) => ({ id, method: 'query', params: { path } })
const mutation = (path: string, key: string | undefined, params: object = {}) => ({
  ...{ id: 1, method: 'mutation' },
  params: { path, ...(key !== undefined && { key: `own.${key}` }), ...params },
})
const subscription = (path: string, id: number, ref = 1) => ({
  ...{ id, method: 'subscription' },
  params: { path, input: { room: 'x' }, ref },
})

/** The answer to a frame, returned or posted; undefined when there is none. */
async function ask(client: TestClient, frame: object): Promise<Answer | undefined> {
  const before = client.frames().length
  const returned = await client.send(frame)
  return ([...client.frames().slice(before), ...[returned ?? []].flat()] as Answer[])[0]
}
const outcome = async (client: TestClient, frame: object) => {
  const answer = await ask(client, frame)
  return answer?.line?.code ?? answer?.error?.data.code ?? answer?.result?.type
}
const times = async <T>(count: number, run: (n: number) => Promise<T>): Promise<readonly T[]> => {
  const all: T[] = []
  for (let n = 1; n <= count; n++) all.push(await run(n))
  return all
}
const workOut = async (line: TestLine) => {
  const working = line.work()
  await settle()
  await line.clock.advance(20)
  await working
}

describe('a procedure with a rate', () => {
  test('runs as often as its rate says, and then is refused until the window ends [TL-RATE-4]', async () => {
    const line = createLimited()
    const client = await line.connect()
    expect(await times(4, () => outcome(client, query('read')))).toEqual([
      'data',
      'data',
      'RATE_LIMITED',
      'RATE_LIMITED',
    ])
    const refusal = await ask(client, query('read'))
    const retryAfterMs = refusal?.line?.retryAfterMs ?? 0
    expect(refusal).toMatchObject({
      id: 1,
      error: {
        message: `Expected at most 2/s of calls of "read" from one caller, got more. Try again in ${retryAfterMs} ms.`,
        data: { code: 'TOO_MANY_REQUESTS', path: 'read' },
      },
      line: { retry: 'later', mayHaveRun: false },
    })
    expect(retryAfterMs).toBeGreaterThan(0)
    expect(retryAfterMs).toBeLessThanOrEqual(1_000)
    line.clock.time += retryAfterMs - 1
    expect(await outcome(client, query('read'))).toBe('RATE_LIMITED')
    line.clock.time += 1
    expect(await times(3, () => outcome(client, query('read')))).toEqual(['data', 'data', 'RATE_LIMITED'])
    expect(line.ran).toEqual(['read', 'read', 'read', 'read'])
  })
  test.each([
    ['minute', 60_000],
    ['hour', 3_600_000],
  ])('counts by the %s', async (path, periodMs) => {
    const line = createLimited()
    const client = await line.connect()
    await times(2, () => client.send(query(path)))
    const { line: refusal } = (await ask(client, query(path))) as Answer
    expect(refusal?.retryAfterMs).toBeGreaterThan(1_000)
    expect(refusal?.retryAfterMs).toBeLessThanOrEqual(periodMs)
    line.clock.time += refusal?.retryAfterMs ?? 0
    expect(await outcome(client, query(path))).toBe('data')
  })
  test('costs one write a call, and its neighbours none', async () => {
    const line = createLimited()
    const client = await line.connect()
    line.requests.length = 0
    await times(3, () => client.send(query('read')))
    expect(line.requests).toEqual(['write addToRate', 'write addToRate', 'write addToRate'])
    await client.send(query('free'))
    await client.send(mutation('pay', 'k'))
    expect(line.requests.splice(0)).toEqual([
      ...Array(3).fill('write addToRate'),
      'write claimKey',
      'write addToRate',
      'write settleKey',
    ])
  })
  test('is refused before its middlewares run', async () => {
    const line = createLimited()
    const client = await line.connect()
    await times(5, () => client.send(query('read')))
    expect(line.entered).toEqual(['read', 'read'])
  })
  test('counts concurrent calls of many functions exactly', async () => {
    const line = createLimited()
    const client = await line.connect()
    await Promise.all(Array.from({ length: 50 }, (_, id) => client.send(query('read', id))))
    await client.send(Array.from({ length: 50 }, (_, id) => query('read', id)))
    expect(line.ran).toEqual(['read', 'read'])
  })
  test('counts apart from another procedure, and in a nested router', async () => {
    const line = createLimited()
    const client = await line.connect()
    for (const path of ['read', 'other', 'lazy.read'])
      expect(await times(3, () => outcome(client, query(path)))).toEqual(['data', 'data', 'RATE_LIMITED'])
  })
  test('fails while the call cannot be counted, and does not run', async () => {
    const line = createLimited({
      store: (inner) =>
        new Proxy(inner, {
          get: (target, name) => (name === 'addToRate' ? failing : Reflect.get(target, name)),
        }),
    })
    const client = await line.connect()
    expect((await ask(client, query('read')))?.error).toBeDefined()
    expect(line.ran).toEqual([])
  })
  test('does not limit callers on the server', async () => {
    const line = createLimited()
    const caller = line.router.createCaller({})
    await times(9, () => caller.read())
    await line.asScript(() => times(9, () => caller.read()))
    expect(line.ran).toHaveLength(18)
  })
})

const failing = async () => Promise.reject(new Error('no table'))

describe('the rate of a procedure is counted', () => {
  const authorize = ({ token }: { readonly token: string | undefined }) => ({
    ...{ principal: token ?? 'none', claims: {}, expiresAt: new Date(9_000_000_000_000) },
  })
  test('for a principal on all its connections [TL-RATE-4]', async () => {
    const line = createLimited({ authorize })
    const [ann, again, bob] = [
      await line.connect({ token: 'ann' }),
      await line.connect({ token: 'ann' }),
      await line.connect({ token: 'bob' }),
    ]
    const outcomes: unknown[] = []
    for (const client of [ann, again, ann, bob]) outcomes.push(await outcome(client, query('read')))
    expect(outcomes).toEqual(['data', 'data', 'RATE_LIMITED', 'data'])
  })
  test('for an anonymous caller in its session [TL-RATE-4]', async () => {
    const line = createLimited()
    const session = 'session-of-two-0123456789'
    const outcomes: unknown[] = []
    for (const how of [{ session }, { session }, { session }, {}])
      outcomes.push(await outcome(await line.connect(how), query('read')))
    expect(outcomes).toEqual(['data', 'data', 'RATE_LIMITED', 'data'])
  })
})

describe('a mutation with a key', () => {
  test('counts once however often it is sent, and is answered from its record beyond the rate [TL-RATE-5]', async () => {
    const line = createLimited()
    const client = await line.connect()
    const first = mutation('pay', 'a')
    await times(5, () => client.send(first))
    expect(await outcome(client, mutation('pay', 'b'))).toBe('data')
    expect(await outcome(client, mutation('pay', 'c'))).toBe('RATE_LIMITED')
    expect(await outcome(client, first)).toBe('data')
    expect(await outcome(client, mutation('pay', 'b', { resend: true }))).toBe('data')
    expect(line.ran).toEqual(['pay', 'pay'])
  })
  test('that is refused leaves its key unused, and may run later with another input [TL-RATE-5]', async () => {
    const line = createLimited()
    const client = await line.connect()
    await times(2, (n) => client.send(mutation('pay', `k${n}`)))
    const refused = await ask(client, mutation('pay', 'k3'))
    expect(refused?.line).toMatchObject({ code: 'RATE_LIMITED', mayHaveRun: false })
    line.clock.time += refused?.line?.retryAfterMs ?? 0
    expect(await outcome(client, mutation('pay', 'k3', { input: 'another' }))).toBe('data')
    expect(await outcome(client, mutation('pay', 'k3'))).toBe('KEY_REUSED')
    expect(line.ran).toHaveLength(3)
  })
  test('that another attempt runs is pending, and not refused [TL-RATE-5]', async () => {
    let release = () => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    const line = createLimited({
      store: (inner) => {
        let isFirst = true
        return new Proxy(inner, {
          get(target, name) {
            if (name !== 'settleKey' || !isFirst) return Reflect.get(target, name)
            isFirst = false
            return async (...args: Parameters<Store['settleKey']>) => {
              await held
              return target.settleKey(...args)
            }
          },
        })
      },
    })
    const client = await line.connect()
    const running = client.send(mutation('pay', 'a'))
    await settle()
    await times(3, (n) => client.send(query('free', n)))
    await client.send(mutation('pay', 'b'))
    for (const resend of [{ resend: true }, {}])
      expect(await outcome(client, mutation('pay', 'a', resend))).toBe('PENDING')
    release()
    await running
    expect(line.ran.filter((path) => path === 'pay')).toHaveLength(2)
  })
  test('whose count fails leaves its key unused too', async () => {
    let fails = true
    const line = createLimited({
      store: (inner) =>
        new Proxy(inner, {
          get: (target, name) => (name === 'addToRate' && fails ? failing : Reflect.get(target, name)),
        }),
    })
    const client = await line.connect()
    expect((await ask(client, mutation('pay', 'a')))?.error).toBeDefined()
    fails = false
    expect(await outcome(client, mutation('pay', 'a'))).toBe('data')
    expect(line.ran).toEqual(['pay'])
  })
  test.each(['pay', 'again', 'same'])('and one without a key share the rate: %s', async (path) => {
    const line = createLimited()
    const client = await line.connect()
    expect(await outcome(client, mutation(path, undefined))).toBe('data')
    expect(await outcome(client, mutation(path, 'k'))).toBe('data')
    expect(await outcome(client, mutation(path, 'l'))).toBe('RATE_LIMITED')
    expect(await outcome(client, mutation(path, undefined))).toBe('RATE_LIMITED')
  })
  test('whose repeatable attempt died is not counted again by the next one', async () => {
    const line = createLimited()
    const client = await line.connect()
    const { settleKey } = line.store
    line.store.settleKey = () => new Promise(() => {})
    void client.send(mutation('again', 'a')).catch(() => {})
    await settle()
    line.store.settleKey = settleKey
    line.clock.time += 120_000
    line.requests.length = 0
    expect(await outcome(client, mutation('again', 'a', { resend: true }))).toBe('data')
    expect(line.requests).not.toContain('write addToRate')
  })
})

describe('a long call', () => {
  test.each(['long', 'longPay'])('beyond the rate starts nothing and holds no place: %s [TL-RATE-4]', async (path) => {
    const line = createLimited({ maxRuns: 3 })
    const client = await line.connect()
    const frame = (n: number) => (path === 'long' ? query(path, n) : mutation(path, `k${n}`))
    expect(await times(5, (n) => outcome(client, { ...frame(n), id: n }))).toEqual([
      'accepted',
      'accepted',
      ...Array(3).fill('RATE_LIMITED'),
    ])
    expect(line.invoked).toHaveLength(2)
    line.clock.time += 1_000
    expect(await outcome(client, { ...frame(6), id: 6 })).toBe('accepted')
  })
  test('with a key that is sent again counts once, and the worker counts nothing [TL-RATE-5]', async () => {
    const line = createLimited()
    const client = await line.connect()
    const frame = mutation('longPay', 'a')
    expect(await times(4, () => outcome(client, frame))).toEqual(Array(4).fill('accepted'))
    expect(await outcome(client, mutation('longPay', 'b'))).toBe('accepted')
    expect(await outcome(client, mutation('longPay', 'c'))).toBe('RATE_LIMITED')
    line.requests.length = 0
    await workOut(line)
    expect(line.requests).not.toContain('write addToRate')
    expect(await outcome(client, frame)).toBe('data')
    expect(line.ran).toEqual(['longPay'])
  })
})

describe('a subscribe', () => {
  test.each(['live', 'loud', 'ticks'])(
    'beyond the rate writes nothing, and may come again: %s [TL-RATE-4]',
    async (path) => {
      const line = createLimited()
      const client = await line.connect()
      await times(2, (n) => client.send(subscription(path, n)))
      const refusal = await ask(client, subscription(path, 3))
      expect(refusal).toMatchObject({ id: 3, line: { code: 'RATE_LIMITED', mayHaveRun: false } })
      expect(await line.store.readSubscriptions(client.connectionId)).toHaveLength(2)
      expect(line.invoked).toHaveLength(path === 'ticks' ? 2 : 0)
      line.clock.time += refusal?.line?.retryAfterMs ?? 0
      await client.send(subscription(path, 3))
      expect(await line.store.readSubscriptions(client.connectionId)).toHaveLength(3)
    },
  )
  test('that comes twice is no error for the subscription that it began', async () => {
    const line = createLimited()
    const client = await line.connect()
    await times(2, () => client.send(subscription('live', 1)))
    expect(await ask(client, subscription('live', 1))).toBeUndefined()
    expect(await outcome(client, subscription('live', 1, 2))).toBe('RATE_LIMITED')
  })
  test('is not counted when a delivery runs its procedure', async () => {
    const line = createLimited()
    const client = await line.connect()
    await client.send(subscription('loud', 1))
    line.requests.length = 0
    await times(3, (n) => line.asScript(() => line.events.publish({ room: 'x' }, { n })))
    const { slots } = await line.store.readSlots('room?room=s:x', 0, 9)
    await line.stream(slots.map((slot) => ({ topic: 'room?room=s:x', slot })))
    expect(client.frames().length).toBeGreaterThan(1)
    expect(line.requests).not.toContain('write addToRate')
  })
})

describe('a stock client', () => {
  test('is refused by the code of tRPC, for calls and subscriptions alike [TL-RATE-4]', async () => {
    const line = createLimited()
    const client = await line.connect({ stock: true })
    const frames = [(n: number) => query('read', n), (n: number) => ({ ...mutation('pay', undefined), id: n })]
    for (const frame of [
      ...frames,
      (n: number) => subscription('live', 10 + n),
      (n: number) => subscription('ticks', 20 + n),
    ]) {
      await times(2, (n) => client.send(frame(n)))
      expect((await ask(client, frame(3)))?.error?.data.code).toBe('TOO_MANY_REQUESTS')
    }
  })
})
