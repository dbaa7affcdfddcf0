import { expect, test } from 'vitest'
import { createLocalClock } from './clock.ts'

test('advance calls the timers that fall due in their order, each at its own time', async () => {
  const clock = createLocalClock()
  const start = clock.now()
  const seen: [string, number][] = []
  const note = (name: string) => () => seen.push([name, Math.round((clock.now() - start) / 1_000)])
  clock.after(20_000, note('b'))
  clock.after(10_000, note('a'))
  clock.after(60_000, note('later'))
  await clock.advance(30_000)
  expect(seen).toEqual([
    ['a', 10],
    ['b', 20],
  ])
  expect(Math.round((clock.now() - start) / 1_000)).toBe(30)
  clock.close()
})

test('a timer set by a timer is called in the same advance', async () => {
  const clock = createLocalClock()
  let count = 0
  const again = () => void (++count < 5 && clock.after(1_000, again))
  clock.after(1_000, again)
  await clock.advance(10_000)
  expect(count).toBe(5)
  clock.close()
})

test('a quiet timer that falls due a thousand times in one advance is called once', async () => {
  const clock = createLocalClock()
  let count = 0
  const tick = () => {
    count += 1
    clock.after(1_000, tick, { quiet: true })
  }
  clock.after(1_000, tick, { quiet: true })
  await clock.advance(1_000_000)
  expect(count).toBe(1)
  clock.close()
})

test('sleep ends at its time or with its signal', async () => {
  const clock = createLocalClock()
  const end = new AbortController()
  let woken = 0
  void clock.sleep(5_000).then(() => woken++)
  void clock.sleep(50_000, end.signal).then(() => woken++)
  await clock.advance(5_000)
  await Promise.resolve()
  expect(woken).toBe(1)
  end.abort()
  await Promise.resolve()
  expect(woken).toBe(2)
  clock.close()
})

test('random is reproducible with a seed', () => {
  const draw = () => Array.from({ length: 5 }, createLocalClock({ seed: 7 }).random)
  expect(draw()).toEqual(draw())
})
