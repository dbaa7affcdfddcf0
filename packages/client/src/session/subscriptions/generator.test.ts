// One file over 200 lines: values, loss and resumption of a generator share their frames.

import { describe, expect, test } from 'vitest'
import { createMachine } from '../../testing/session.suite.ts'

const network = { code: 'network', message: 'cut' } as const
const subscribed = (ref: number, lastEventId?: string) =>
  `send ${JSON.stringify({ id: 1, method: 'subscription', params: { path: 'live', input: null, ref, ...(lastEventId ? { lastEventId } : {}) } })}`
const stopped = (ref: number) => `send ${JSON.stringify({ id: 1, method: 'subscription.stop', params: { ref } })}`
const started = (ref: number, n = 0) => ({ id: 1, result: { type: 'started', ref, n } })
const value = (n: number, ref = 1) => ({ id: 1, result: { type: 'data', ref, n, data: `v${n}` } })
const trackedValue = (n: number, ref = 1) => ({ id: 1, result: { type: 'data', ref, n, id: `t${n}`, data: {} } })
const alive = (n: number, ref = 1) => ({ id: 1, result: { type: 'alive', ref, n } })
const end = (n: number, ref = 1) => ({ id: 1, result: { type: 'stopped', ref, n } })
const lost = (code = 'GENERATOR_LOST', retry = 'now') => ({
  id: 1,
  error: {},
  ref: 1,
  line: { code, retry, mayHaveRun: true },
})
const wire = (n: number) => `deliver 1 "v${n}"`

function running(handlesGaps = true) {
  const machine = createMachine()
  machine.open()
  machine.subscribe(1, handlesGaps)
  expect(machine.message(started(1))).toEqual(['started 1'])
  return machine
}

describe('a generator’s values', () => {
  test('are delivered in the order of their numbers, each once [TL-GEN-10]', () => {
    const machine = running()
    expect(machine.message(value(1), value(1))).toEqual([wire(1)])
    expect(machine.message(value(3))).toEqual([])
    expect(machine.timers.get('gap 1')).toBe(1_000)
    expect(machine.message(value(2))).toEqual([wire(2), wire(3)])
    expect(machine.timers.has('gap 1')).toBe(false)
    expect(machine.message(end(4))).toEqual(['complete 1'])
  })

  test('that arrive before `started` are held until it arrives [TL-GEN-10]', () => {
    const machine = createMachine()
    machine.open()
    machine.subscribe(1)
    expect(machine.message(value(1))).toEqual([])
    expect(machine.message(started(1))).toEqual(['started 1', wire(1)])
    expect(machine.message(started(1), value(1))).toEqual([]) // a duplicate
  })

  test('of an earlier attempt are ignored [TL-GEN-10]', () => {
    const machine = running()
    machine.message(trackedValue(1))
    machine.fire({ kind: 'alive', id: 1 })
    expect(machine.fire({ kind: 'started', id: 1 })).toEqual([subscribed(2, 't1')])
    expect(machine.message(trackedValue(2), started(1), end(3), alive(9))).toEqual([])
    expect(machine.message(started(2), trackedValue(1, 2))).toEqual(['deliver 1 t1'])
  })

  test('do not end before the last of them is delivered [TL-GEN-10]', () => {
    const machine = running()
    expect(machine.message(end(3), value(2))).toEqual([])
    expect(machine.message(value(1))).toEqual([wire(1), wire(2), 'complete 1'])
  })

  test('end with the error of the run, and no stop is sent [TL-ERR-4]', () => {
    const machine = running()
    expect(machine.message(value(1), { id: 1, error: {}, ref: 1, n: 2 })).toEqual([wire(1), 'fail 1 procedure'])
  })

  test('end with an error that is not of their run, and the run is stopped [TL-ERR-4] [TL-STOP-4]', () => {
    const machine = running()
    expect(machine.message(value(1), { id: 1, error: {} })).toEqual([wire(1), stopped(1), 'fail 1 procedure'])
  })

  test('are delivered before an error that overtook them [TL-GEN-3] [TL-GEN-10]', () => {
    const machine = running()
    const failed = (n: number, ref = 1) => ({ id: 1, error: {}, ref, n })
    expect(machine.message(failed(3), value(2))).toEqual([])
    expect(machine.timers.get('gap 1')).toBe(1_000)
    expect(machine.message(value(1))).toEqual([wire(1), wire(2), 'fail 1 procedure'])
  })

  test('ignore an error of an earlier attempt [TL-GEN-10]', () => {
    const machine = running()
    machine.message(trackedValue(1))
    machine.fire({ kind: 'alive', id: 1 })
    machine.fire({ kind: 'started', id: 1 })
    const { line } = lost()
    expect(machine.message({ id: 1, error: {}, ref: 1, n: 2 }, { id: 1, error: {}, line, ref: 1 })).toEqual([])
    expect(machine.message(started(2), trackedValue(1, 2))).toEqual(['deliver 1 t1'])
    expect(machine.message({ id: 1, error: {}, ref: 2, n: 2 })).toEqual(['fail 1 procedure'])
  })

  test('that are lost before an error are requested again, or the loss is reported [TL-GEN-11]', () => {
    const machine = running()
    expect(machine.message(value(1), { id: 1, error: {}, ref: 1, n: 3 })).toEqual([wire(1)])
    expect(machine.fire({ kind: 'gap', id: 1 })).toEqual([stopped(1), 'fail 1 GENERATOR_LOST may have run'])
  })

  test('are not requested again when the application stops', () => {
    const machine = running()
    expect(machine.feed({ type: 'unsubscribe', id: 1 })).toEqual([stopped(1)])
    expect([...machine.timers.keys()].filter((name) => name.endsWith(' 1'))).toEqual([])
    expect(machine.message(value(1), alive(1))).toEqual([]) // they were in flight
    machine.wait(5_000)
    expect(machine.message(value(2))).toEqual([stopped(1)]) // the server still runs it: the first stop was lost
  })

  test('are not a log: a keepalive pings and does not sync them', () => {
    const machine = running()
    machine.message(value(1))
    expect(machine.fire({ kind: 'ping' })).toEqual(['send {"method":"ping"}'])
  })
})

describe('a subscribe that is refused with RATE_LIMITED', () => {
  const line = { code: 'RATE_LIMITED', retry: 'later', retryAfterMs: 5_000, mayHaveRun: true }
  test('is sent again after retryAfterMs and not before, and fails at the sixth refusal [TL-RUN-2]', () => {
    const machine = createMachine()
    machine.open()
    machine.subscribe(1)
    for (let ref = 2; ref <= 6; ref++) {
      expect(machine.message({ id: 1, error: {}, line })).toEqual([])
      expect(machine.timers.get('started 1')).toBe(5_000)
      expect(machine.fire({ kind: 'started', id: 1 })).toEqual([subscribed(ref)])
    }
    expect(machine.message({ id: 1, error: {}, line }).join()).toContain('fail 1 RATE_LIMITED')
  })
  test('is not refused for good once it has started [TL-RUN-2]', () => {
    const machine = createMachine()
    machine.open()
    machine.subscribe(1)
    machine.message({ id: 1, error: {}, line })
    machine.fire({ kind: 'started', id: 1 })
    expect(machine.message(started(2), value(1, 2))).toEqual(['started 1', wire(1)])
  })
})

describe('a generator is lost', () => {
  test.each([
    ['when a value stays missing', [value(2)], 'gap'],
    ['when its heartbeat shows that the last value is missing', [alive(1)], 'gap'],
    ['when its end arrives without the last value', [end(2)], 'gap'],
    ['after ten seconds without a frame', [value(1)], 'alive'],
  ] as const)('%s: without tracked values it ends with GENERATOR_LOST [TL-GEN-10] [TL-GEN-11]', (_, frames, timer) => {
    const machine = running()
    machine.message(...frames)
    expect(machine.timers.get('alive 1')).toBe(10_000)
    expect(machine.fire({ kind: timer, id: 1 })).toEqual([stopped(1), 'fail 1 GENERATOR_LOST may have run'])
  })

  test('but not while it sends signs of life [TL-GEN-10]', () => {
    const machine = running()
    machine.message(value(1))
    machine.timers.set('alive 1', 1)
    expect(machine.message(alive(1))).toEqual([])
    expect(machine.timers.get('alive 1')).toBe(10_000)
  })

  test('but not by a timer that was suspended with its machine, since frames may still arrive', () => {
    const machine = running()
    machine.wait(60_000)
    expect(machine.fire({ kind: 'alive', id: 1 })).toEqual([])
    expect(machine.message(value(1))).toEqual([wire(1)])
    machine.wait(10_000)
    expect(machine.fire({ kind: 'alive', id: 1 })).toEqual([stopped(1), 'fail 1 GENERATOR_LOST may have run'])
  })

  test('with tracked values it resumes after the last one without notice to the application [TL-GEN-11]', () => {
    const machine = running(false)
    machine.message(trackedValue(1))
    expect(machine.fire({ kind: 'alive', id: 1 })).toEqual([])
    expect(machine.fire({ kind: 'started', id: 1 })).toEqual([subscribed(2, 't1')])
    expect(machine.message(started(2), trackedValue(1, 2))).toEqual(['deliver 1 t1'])
    expect(machine.message({ ...lost(), ref: 2 })).toEqual([])
    expect(machine.fire({ kind: 'started', id: 1 })).toEqual([subscribed(3, 't1')])
  })

  test.each(['GENERATOR_LOST', 'FUNCTION_FAILED', 'AUTH_EXPIRED'])(
    'when the server answers %s: without tracked values it is not run again [TL-GEN-11]',
    (code) => {
      const machine = running()
      machine.message(value(1))
      const retry = code === 'AUTH_EXPIRED' ? 'after-auth' : 'later'
      expect(machine.message(lost(code, retry))).toEqual([`fail 1 ${code} may have run`])
    },
  )

  test('before its first frame: it may have run, so it is not run again automatically [TL-GEN-11]', () => {
    const machine = createMachine()
    machine.open()
    machine.subscribe(1)
    expect(machine.message(lost())).toEqual(['fail 1 GENERATOR_LOST may have run'])
  })
})

describe('a generator whose socket is lost', () => {
  function reconnected(handlesGaps: boolean, frames: readonly object[]) {
    const machine = running(handlesGaps)
    machine.message(...frames)
    expect(machine.feed({ type: 'lost', cause: network })).toEqual([])
    machine.feed({ type: 'opened' })
    return machine.open()
  }
  test('resumes by its last tracked value [TL-GEN-11]', () => {
    expect(reconnected(false, [trackedValue(1), trackedValue(2)])).toEqual([subscribed(2, 't2')])
  })
  test('without one is a gap, which is reported before it is run again [TL-GEN-11] [TL-SUB-12]', () => {
    expect(reconnected(true, [value(1)])).toEqual(['gap 1 not-resumable after null', subscribed(2)])
  })
  test('ends with GAP when there is no onGap, since it is never run again without notice [TL-GEN-11] [TL-SUB-12]', () => {
    expect(reconnected(false, [value(1)])).toEqual(['fail 1 GAP may have run'])
    expect(reconnected(false, [])).toEqual(['fail 1 GAP may have run'])
  })
  test('moves to the new socket in a hand-over, and values of the old socket are then ignored [TL-HAND-2]', () => {
    const machine = running()
    machine.message(trackedValue(1))
    machine.wait(6_000_000)
    expect(machine.fire({ kind: 'handover' })).toEqual(['connect@2'])
    machine.feed({ type: 'opened', socket: 2 })
    const moved = machine.messageOf(2, {
      id: 'hello-2',
      result: { type: 'hello', session: 's', time: 0, limits: { frameBytes: 32_768, lifetimeMs: 7_200_000 } },
    })
    expect(moved).toEqual([subscribed(2, 't1')])
    expect(machine.messageOf(1, trackedValue(2))).toEqual([])
    expect(machine.message(started(2), trackedValue(1, 2))).toEqual(['deliver 1 t1', 'drop@1'])
  })
})
