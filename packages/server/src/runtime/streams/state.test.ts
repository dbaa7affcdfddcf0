import { describe, expect, test } from 'vitest'
import type { OnLost, Outcome } from '../../define/stream-rules.ts'
import {
  type Evidence,
  formatState,
  judge,
  parseState,
  type StreamState,
  type StreamWrite,
  stateAfter,
} from './state.ts'

const now = 1_800_000_000_000
const hour = 3_600_000
const offset = 9
const waiting: StreamState = { at: 'waiting', e: 0, by: '', n: 0, first: 3, since: now - 1_000, input: 'i', tries: 0 }
const running: StreamState = { ...waiting, at: 'running', e: 1, by: 'w1', n: 4, tries: 1 }
const done: Outcome = { type: 'done' }
const closed: StreamState = { ...running, at: 'closed', outcome: done }

const seen = (state: StreamState | undefined, rest: Partial<Evidence> = {}): Evidence => ({
  ...{ state, time: now - 1_000, lastSign: now - 1_000, now },
  ...rest,
})
const lapsed = { lastSign: now - 45_001 }
const after = (evidence: Evidence, write: StreamWrite, onLost: OnLost = 'close') =>
  stateAfter(evidence, write, { onLost, retentionMs: hour, offset })

const start: StreamWrite = { kind: 'start', input: 'j' }
const claim: StreamWrite = { kind: 'claim', by: 'w2' }
const stop: StreamWrite = { kind: 'close', outcome: { type: 'stopped' } }
const lost: StreamWrite = { kind: 'close', outcome: { type: 'lost' } }

describe('[LAW-STREAM]: a write is lawful only after certain states', () => {
  test('a start is lawful after none, and after a close that is past its retention, which it marks anew', () => {
    const begun = { at: 'waiting', e: 0, by: '', n: 0, first: offset, since: now, input: 'j', tries: 0 }
    expect(after(seen(undefined), start)).toEqual(begun)
    expect(after(seen(closed, { time: now - hour }), start)).toEqual({ ...begun, e: 1, anew: true })
    for (const state of [waiting, running, closed]) expect(after(seen(state), start)).toBeUndefined()
    expect(after(seen(closed, { time: now - hour + 1 }), start)).toBeUndefined()
  })
  test('a claim is lawful of a waiting stream, and of a lapsed one unless it closes when it is lost', () => {
    const claimed = { ...waiting, at: 'running', e: 1, by: 'w2', tries: 1 }
    expect(after(seen(waiting), claim)).toEqual(claimed)
    expect(after(seen(undefined), claim)).toBeUndefined()
    expect(after(seen(closed), claim)).toBeUndefined()
    expect(after(seen(running), claim, 'continue')).toBeUndefined()
    expect(after(seen(running, lapsed), claim, 'continue')).toEqual({ ...running, e: 2, by: 'w2', tries: 2 })
    expect(after(seen(running, lapsed), claim, 'close')).toBeUndefined()
    expect(after(seen(running, { lastSign: now - 45_000 }), claim, 'continue')).toBeUndefined()
  })
  test('a claim that restarts marks its slot anew, unless the log has no chunk of the run', () => {
    const claimed = { ...running, e: 2, by: 'w2', tries: 2 }
    expect(after(seen(running, lapsed), claim, 'restart')).toEqual({ ...claimed, n: 0, first: offset, anew: true })
    expect(after(seen({ ...running, n: 0 }, lapsed), claim, 'restart')).toEqual({ ...claimed, n: 0 })
  })
  test('no claim is made after three without a chunk, and none of a stream that is a day old', () => {
    const tried = { ...running, tries: 3 }
    const old = { ...running, since: now - 24 * hour }
    for (const state of [tried, old, { ...waiting, tries: 3 }, { ...waiting, since: now - 24 * hour }])
      expect(after(seen(state, lapsed), claim, 'continue')).toBeUndefined()
    expect(after(seen({ ...old, since: old.since + 1 }, lapsed), claim, 'continue')).toBeDefined()
  })
  test('only the holder of the claim puts chunks; they count, and reset the tries unless it restarts', () => {
    const put = { kind: 'chunks', by: 'w1', count: 3 } as const
    expect(after(seen(running), put)).toEqual({ ...running, n: 7, tries: 0 })
    expect(after(seen(running), put, 'restart')).toEqual({ ...running, n: 7 })
    expect(after(seen(running), { ...put, by: 'w2' })).toBeUndefined()
    for (const state of [undefined, waiting, closed, { ...waiting, by: 'w1' }])
      expect(after(seen(state), put)).toBeUndefined()
  })
  test('only the holder of the claim yields, and none yields a stream that closes when it is lost', () => {
    const write = { kind: 'yield', by: 'w1' } as const
    expect(after(seen(running), write, 'continue')).toEqual({ ...running, at: 'waiting' })
    expect(after(seen(running), write, 'close')).toBeUndefined()
    expect(after(seen(running), { ...write, by: 'w2' }, 'continue')).toBeUndefined()
    expect(after(seen(closed), write, 'continue')).toBeUndefined()
  })
  test('the holder of the claim closes it with any outcome, and nobody else as done or failed', () => {
    const failed = { type: 'failed', code: 'BAD_REQUEST', message: 'no' } as const
    for (const outcome of [done, failed, { type: 'lost' } as const]) {
      expect(after(seen(running), { kind: 'close', by: 'w1', outcome })).toEqual({ ...running, at: 'closed', outcome })
      expect(after(seen(running), { kind: 'close', by: 'w2', outcome })).toBeUndefined()
      expect(after(seen(closed), { kind: 'close', by: 'w1', outcome })).toBeUndefined()
    }
    expect(after(seen(running), { kind: 'close', outcome: done })).toBeUndefined()
  })
  test('a stop is lawful after everything but a close, after nothing too', () => {
    const outcome = { type: 'stopped' }
    for (const state of [waiting, running])
      expect(after(seen(state), stop)).toEqual({ ...state, at: 'closed', outcome })
    expect(after(seen(undefined), stop)).toMatchObject({ at: 'closed', n: 0, first: offset, input: '', outcome })
    expect(after(seen(closed), stop)).toBeUndefined()
    expect(after(seen(closed, { time: now - 9 * hour }), stop)).toBeUndefined()
  })
})

describe('[LAW-STREAM-SETTLE]: whoever looks at a stream knows what must happen', () => {
  test.each<[string, Evidence, Record<OnLost, string>]>([
    ['nothing was started', seen(undefined), { close: 'leave', restart: 'leave', continue: 'leave' }],
    ['it is closed', seen(closed, lapsed), { close: 'leave', restart: 'leave', continue: 'leave' }],
    ['it is produced', seen(running), { close: 'leave', restart: 'leave', continue: 'leave' }],
    ['it waits', seen(waiting), { close: 'claim', restart: 'claim', continue: 'claim' }],
    [
      'its producer is silent for 45 s',
      seen(running, { lastSign: now - 45_000 }),
      { close: 'leave', restart: 'leave', continue: 'leave' },
    ],
    [
      'its producer is silent for longer',
      seen(running, lapsed),
      { close: 'lost', restart: 'claim', continue: 'claim' },
    ],
    [
      'it waits for 5 minutes',
      seen(waiting, { time: now - 300_000 }),
      { close: 'claim', restart: 'claim', continue: 'claim' },
    ],
    [
      'it waits for longer',
      seen(waiting, { time: now - 300_001 }),
      { close: 'lost', restart: 'lost', continue: 'lost' },
    ],
    [
      'three claims brought no chunk',
      seen({ ...running, tries: 3 }, lapsed),
      { close: 'lost', restart: 'lost', continue: 'lost' },
    ],
    [
      'it is a day old',
      seen({ ...running, since: now - 24 * hour }, lapsed),
      { close: 'lost', restart: 'lost', continue: 'lost' },
    ],
    [
      'it is a day old and is produced',
      seen({ ...running, since: now - 24 * hour }),
      { close: 'leave', restart: 'leave', continue: 'leave' },
    ],
  ])('%s', (_, evidence, verdicts) => {
    for (const onLost of ['close', 'restart', 'continue'] as const) {
      expect(judge(evidence, { onLost })).toBe(verdicts[onLost])
      expect(after(evidence, lost, onLost) !== undefined).toBe(verdicts[onLost] === 'lost')
    }
  })
})

test('a state is read as it was written, and any other text is none', () => {
  const inFractions = { ...running, since: now + 0.5 } // as the clock of a backend may have them
  for (const state of [waiting, running, closed, { ...closed, anew: true as const }, inFractions])
    expect(parseState(formatState(state))).toEqual(state)
  const texts = [undefined, '', 'null', '[]', '{}', '1', JSON.stringify({ ...running, n: -1 })]
  const wrong = [
    { ...running, at: 'closed' },
    { ...running, at: 'gone' },
    { ...running, by: 1 },
    { ...running, e: 1.5 },
  ]
  for (const text of [...texts, ...wrong.map((state) => JSON.stringify(state))])
    expect(parseState(text)).toBeUndefined()
})
