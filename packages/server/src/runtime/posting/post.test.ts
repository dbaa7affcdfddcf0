import { describe, expect, test } from 'vitest'
import { createFakeClock } from '../../lambda/test-line.suite.ts'
import { createMemoryGateway } from '../../memory/gateway.ts'
import { createMemoryStore } from '../../memory/store.ts'
import type { PostOutcome } from '../../ports/gateway.ts'
import { toRuntimeContext } from '../context/runtime-context.ts'
import { deleteConnection, post } from './post.ts'

const throttled: PostOutcome = { status: 'throttled' }
const broken: PostOutcome = { status: 'failed', unknown: true, reason: '500' }
const unconnected: PostOutcome = { status: 'failed', unknown: false, retry: true, reason: 'ECONNREFUSED' }
const forbidden: PostOutcome = { status: 'failed', unknown: false, reason: '403' }
const stepMs = 5

/** A gateway that answers so, and when each post came. `chance` is what every draw gives. */
function createPosting(answer: (tries: number) => PostOutcome | undefined | Promise<never>, chance = 0.5) {
  const clock = { ...createFakeClock(), random: () => chance }
  const gateway = createMemoryGateway()
  const store = createMemoryStore({ clock })
  gateway.open('c')
  const times: number[] = []
  const began = clock.now()
  gateway.intercept = () => {
    times.push(clock.now() - began)
    return answer(times.length)
  }
  const context = toRuntimeContext(
    { store, gateway, clock },
    { retentionOf: () => 0, presenceOf: () => undefined, channelOf: () => undefined, enter: (_, fn) => fn() },
  )
  return {
    gateway,
    times,
    /** Lets time pass until it has ended. */
    async run<T>(work: (given: typeof context) => Promise<T>): Promise<{ readonly ended: T; readonly ms: number }> {
      let ended: { readonly value: T } | undefined
      void work(context).then((value) => (ended = { value }))
      await clock.advance(0)
      while (ended === undefined) await clock.advance(stepMs)
      return { ended: ended.value, ms: clock.now() - began }
    },
  }
}
const pausesOf = (times: readonly number[]) => times.slice(1).map((time, index) => time - (times[index] ?? 0))

describe('a post', () => {
  test.each([
    ['429', throttled],
    ['5xx', broken],
    ['by no connection', unconnected],
  ])(
    'that is answered %s is repeated after a random part of a pause that doubles, up to a second',
    async (_, answer) => {
      const all = createPosting((tries) => (tries < 8 ? answer : undefined), 1)
      expect((await all.run((context) => post(context, 'c', 'x'))).ended).toBe('posted')
      expect(pausesOf(all.times)).toEqual([50, 100, 200, 400, 800, 1_000, 1_000])
      expect(all.gateway.posted('c')).toEqual(['x'])
      const half = createPosting((tries) => (tries < 8 ? answer : undefined), 0.5)
      await half.run((context) => post(context, 'c', 'x'))
      expect(pausesOf(half.times)).toEqual([25, 50, 100, 200, 400, 500, 500])
    },
  )

  test.each([
    ['429', throttled],
    ['5xx', broken],
    ['by no connection', unconnected],
  ])('that is always answered %s is given up within its budget of 6 s', async (_, answer) => {
    const { run, times } = createPosting(() => answer)
    const { ended, ms } = await run((context) => post(context, 'c', 'x'))
    expect(ended).toBe('undelivered')
    expect(Math.max(...times)).toBeLessThan(6_000)
    expect(ms).toBeLessThanOrEqual(6_000)
    expect(ms).toBeGreaterThan(5_000)
  })

  test('that hangs is given up when its budget is used up', async () => {
    const { run, times } = createPosting(() => new Promise<never>(() => {}))
    expect(await run((context) => post(context, 'c', 'x'))).toEqual({ ended: 'undelivered', ms: 6_000 })
    expect(times).toEqual([0])
  })

  test.each([
    ['hangs', () => new Promise<never>(() => {})],
    ['fails', async () => 'failed' as const],
    ['throws', () => Promise.reject(new Error('reset'))],
  ])('the deletion of a socket that %s is sent again, three times in all', async (_, never) => {
    const { run, gateway } = createPosting(() => ({ status: 'posted' }))
    const answers = [never, never, async () => 'closed' as const]
    gateway.disconnect = () => answers.shift()?.() ?? Promise.reject(new Error('a fourth'))
    expect(await run((context) => deleteConnection(context, 'c'))).toMatchObject({ ended: 'closed' })
    answers.push(never, never, never)
    const { ended, ms } = await run((context) => deleteConnection(context, 'd'))
    expect([ended, answers.length]).toEqual(['failed', 0])
    expect(ms).toBeLessThanOrEqual(12_000)
  })

  test.each([
    ['410', { status: 'gone' }, 'gone'],
    ['413', { status: 'too-large' }, 'too-large'],
    ['403', forbidden, 'undelivered'],
  ] as const)('that is answered %s is not repeated', async (_, answer, expected) => {
    const { run, times } = createPosting(() => answer)
    expect(await run((context) => post(context, 'c', 'x'))).toEqual({ ended: expected, ms: 0 })
    expect(times).toEqual([0])
  })
})
