import { describe, expect, it } from 'vitest'
import { DeadlineError, withDeadline } from './request-deadline.ts'

const never = () => new Promise<never>(() => {})

describe('a deadline', () => {
  it('returns a result that came in time', async () => {
    expect(await withDeadline(1_000, async () => 5)).toBe(5)
    await expect(withDeadline(1_000, async () => Promise.reject(new Error('own')))).rejects.toThrow('own')
  })
  it('rejects when the time is over, also if the signal is ignored', async () => {
    let signal: AbortSignal | undefined
    const late = withDeadline(5, (given) => {
      signal = given
      return never()
    })
    await expect(late).rejects.toBeInstanceOf(DeadlineError)
    expect(signal?.aborted).toBe(true)
  })
  it('rejects with the outer signal, and does not run if that was aborted before', async () => {
    const outer = new AbortController()
    const ended = withDeadline(1_000, never, outer.signal)
    outer.abort(new Error('outer'))
    await expect(ended).rejects.toThrow('outer')
    let ran = false
    const late = withDeadline(1_000, async () => (ran = true), outer.signal)
    await expect(late).rejects.toThrow('outer')
    expect(ran).toBe(false)
  })
})
