import { expect, test } from 'vitest'
import { createLocalClock } from '../../clock.ts'
import { createInvocation } from './invocation.ts'

const start = (clock = createLocalClock()) =>
  createInvocation({ functionName: 'f', requestId: 'r', attempt: 1, timeoutMs: 3_000, clock })

class Port {
  readonly #calls: string[] = []
  readonly kind = 'port'
  calls() {
    return this.#calls
  }
  async put(text: string) {
    this.#calls.push(text)
    return text
  }
}

async function settles(promise: unknown): Promise<boolean> {
  const pause = new Promise((resolve) => setTimeout(resolve, 5, 'pending'))
  return (await Promise.race([promise, pause])) !== 'pending'
}

test('a guarded port works while the invocation is live', async () => {
  const invocation = start()
  const port = invocation.guard(new Port())
  expect(await port.put('a')).toBe('a')
  expect(port.calls()).toEqual(['a'])
  expect(port.kind).toBe('port')
  expect(port).toBeInstanceOf(Port)
})

test.each(['kill', 'finish'] as const)('after %s a guarded call does nothing and never settles', async (end) => {
  const invocation = start()
  const real = new Port()
  const port = invocation.guard(real)
  const underWay = port.put('begun')
  invocation[end]()
  expect(await settles(underWay)).toBe(false)
  expect(await settles(port.put('late'))).toBe(false)
  expect(real.calls()).toEqual(['begun'])
})

test('a rejection after the end is dropped', async () => {
  const invocation = start()
  const port = invocation.guard({ fail: () => Promise.reject(new Error('late')) })
  const underWay = port.fail()
  invocation.kill()
  expect(await settles(underWay)).toBe(false)
})

test('guards a frozen port and one that is spread', async () => {
  const invocation = start()
  const port = { ...invocation.guard(Object.freeze({ put: async () => 'put', size: 1 })) }
  expect(await port.put()).toBe('put')
  expect(port.size).toBe(1)
  invocation.kill()
  expect(await settles(port.put())).toBe(false)
})

test('is killed at its deadline, which counts from its beginning', async () => {
  const clock = createLocalClock()
  const invocation = start(clock)
  const kills: string[] = []
  invocation.onKill(() => kills.push('killed'))
  await clock.advance(10_000)
  expect(invocation.live).toBe(true)
  invocation.begin()
  await clock.advance(2_900)
  expect(invocation.live).toBe(true)
  await clock.advance(101)
  await invocation.killed
  expect(invocation.live).toBe(false)
  expect(invocation.signal.aborted).toBe(true)
  invocation.onKill(() => kills.push('at once'))
  expect(kills).toEqual(['killed', 'at once'])
})

test('a returned invocation is over without a kill', () => {
  const invocation = start()
  invocation.begin()
  invocation.finish()
  invocation.kill()
  expect(invocation.live).toBe(false)
  expect(invocation.signal.aborted).toBe(false)
})
