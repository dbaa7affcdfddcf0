import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { DeadlineError } from '../sdk/request-deadline.ts'
import { RequestEnds } from './request-ends.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A request that drops itself when it ends, as a post does. */
function requestOf(ends: RequestEnds, signal?: AbortSignal) {
  const request = {
    reason: undefined as unknown,
    end(reason: unknown) {
      request.reason = reason
      ends.delete(request, signal)
    },
  }
  ends.add(request, signal)
  return request
}

describe('requests that begin at different times', () => {
  it('end each at their own deadline', () => {
    const ends = new RequestEnds(1_000)
    const first = requestOf(ends)
    vi.advanceTimersByTime(400)
    const second = requestOf(ends)
    vi.advanceTimersByTime(601) // a deadline is looked at just after its timer
    expect([first.reason, second.reason]).toEqual([new DeadlineError(1_000), undefined])
    vi.advanceTimersByTime(398)
    expect(second.reason).toBeUndefined()
    vi.advanceTimersByTime(2)
    expect(second.reason).toEqual(new DeadlineError(1_000))
    expect(vi.getTimerCount()).toBe(0)
  })

  it('leave no timer when they are done', () => {
    const ends = new RequestEnds(1_000)
    const requests = [requestOf(ends), requestOf(ends)]
    expect(vi.getTimerCount()).toBe(1)
    for (const request of requests) ends.delete(request, undefined)
    expect(vi.getTimerCount()).toBe(0)
    requestOf(ends)
    expect(vi.getTimerCount()).toBe(1)
  })
})

describe('a deadline that passes while the process is busy', () => {
  it('ends no request whose response is read next', async () => {
    vi.useRealTimers()
    const ends = new RequestEnds(1)
    const request = requestOf(ends)
    const read = new Promise<void>((resolve) =>
      setImmediate(() => {
        ends.delete(request, undefined)
        resolve()
      }),
    )
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
    await read
    await new Promise((resolve) => setImmediate(resolve))
    expect(request.reason).toBeUndefined()
  })
})

describe('requests under signals', () => {
  it('end when their signal aborts, and no others', () => {
    const ends = new RequestEnds(1_000)
    const [one, other] = [new AbortController(), new AbortController()]
    const requests = [requestOf(ends, one.signal), requestOf(ends, one.signal), requestOf(ends, other.signal)]
    one.abort('over')
    expect(requests.map(({ reason }) => reason)).toEqual(['over', 'over', undefined])
  })

  it('share a listener, which is removed with the last of them', () => {
    const ends = new RequestEnds(1_000)
    const { signal } = new AbortController()
    const [add, remove] = [vi.spyOn(signal, 'addEventListener'), vi.spyOn(signal, 'removeEventListener')]
    const requests = [requestOf(ends, signal), requestOf(ends, signal)]
    for (const request of requests) {
      expect(remove).not.toHaveBeenCalled()
      ends.delete(request, signal)
    }
    expect([add, remove].map(({ mock }) => mock.calls.length)).toEqual([1, 1])
  })
})
