import { expect, it, vi } from 'vitest'
import { sendLatest } from './send-latest.ts'

/** A clock that a test moves, and what was sent at which time. */
function createTest(send: (value: number) => Promise<unknown> = async () => {}) {
  vi.useFakeTimers()
  const clock = { now: () => Date.now(), after: (ms: number, fn: () => void) => void setTimeout(fn, ms) }
  const startedAt = Date.now()
  const sent: (readonly [ms: number, value: number])[] = []
  const next = sendLatest<number>(
    50,
    (value) => {
      sent.push([Date.now() - startedAt, value])
      return send(value)
    },
    clock,
  )
  return { next, sent }
}

it('sends at most 20 values a second, each the newest one, and always the last', async () => {
  const { next, sent } = createTest()
  for (let ms = 0; ms < 1_000; ms += 4) {
    next(ms)
    await vi.advanceTimersByTimeAsync(4) // a mouse reports 250 places a second
  }
  await vi.advanceTimersByTimeAsync(100)
  expect(sent.length).toBeLessThanOrEqual(21)
  expect(sent.length).toBeGreaterThanOrEqual(19)
  for (const [at, value] of sent) expect(at - value).toBeLessThanOrEqual(50)
  expect(sent.at(-1)?.[1]).toBe(996)
})

it('sends one value at a time when the network is slow', async () => {
  const { next, sent } = createTest(() => new Promise((resolve) => setTimeout(resolve, 300)))
  for (let ms = 0; ms < 900; ms += 10) {
    next(ms)
    await vi.advanceTimersByTimeAsync(10)
  }
  expect(sent.map(([at]) => Math.floor(at / 100))).toEqual([0, 3, 6])
})

it('goes on with the next value when one could not be sent', async () => {
  const { next, sent } = createTest((value) => (value === 1 ? Promise.reject(new Error('offline')) : Promise.resolve()))
  next(1)
  await vi.advanceTimersByTimeAsync(60)
  next(2)
  await vi.advanceTimersByTimeAsync(60)
  expect(sent.map(([, value]) => value)).toEqual([1, 2])
})
