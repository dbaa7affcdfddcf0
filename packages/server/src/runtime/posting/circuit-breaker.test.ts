import { describe, expect, test } from 'vitest'
import { createFakeClock } from '../../lambda/test-line.suite.ts'
import { createBreaker } from './circuit-breaker.ts'

describe('a breaker', () => {
  const failed = (times: number) => {
    const clock = createFakeClock()
    const breaker = createBreaker(clock)
    for (let n = 0; n < times; n++) breaker.fail('a')
    return { clock, breaker }
  }
  test('stays closed after one failure', () => {
    const { breaker } = failed(1)
    expect(breaker.admits('a')).toBe(true)
  })
  test('opens at the second failure in a row, only for that connection', () => {
    const { breaker } = failed(2)
    expect([breaker.admits('a'), breaker.admits('b')]).toEqual([false, true])
  })
  test('drops its failures after a post succeeds', () => {
    const { breaker } = failed(1)
    breaker.close('a')
    breaker.fail('a')
    expect(breaker.admits('a')).toBe(true)
  })
  test('admits a single post after the pause, and opens for longer when that fails', async () => {
    const { clock, breaker } = failed(2)
    await clock.advance(5_000)
    expect([breaker.admits('a'), breaker.admits('a')]).toEqual([true, false])
    breaker.fail('a')
    await clock.advance(4_999) // a second pause is at least 5 s
    expect(breaker.admits('a')).toBe(false)
    await clock.advance(5_001)
    expect(breaker.admits('a')).toBe(true)
    breaker.close('a')
    expect([breaker.admits('a'), breaker.admits('a')]).toEqual([true, true])
  })
  test('pauses at most a minute', async () => {
    const { clock, breaker } = failed(30)
    await clock.advance(60_000)
    expect(breaker.admits('a')).toBe(true)
  })
  test('relies on a topic’s retry after the pause, and not on an earlier one', async () => {
    const { clock, breaker } = failed(2)
    const awaits = () => [breaker.awaitsRetry('a', 't'), breaker.awaitsRetry('a', 'u')]
    expect(awaits()).toEqual([false, false])
    breaker.noteRetry('a', 'u', clock.now())
    breaker.noteRetry('a', 't', clock.now() + breaker.openFor('a'))
    expect(awaits()).toEqual([true, false])
    await clock.advance(5_000)
    breaker.fail('a')
    expect(awaits()).toEqual([false, false])
  })
  test('remembers a bounded number of connections', () => {
    const { breaker } = failed(2)
    for (let n = 0; n < 10_000; n++) breaker.fail(`other ${n}`)
    expect(breaker.admits('a')).toBe(true)
  })
})
