import { describe, expect, test } from 'vitest'
import { createMachine } from '../../testing/session.suite.ts'

const frame = (result: object) => ({ id: 1, result })
const started = (from: string, head = from) => frame({ type: 'started', ref: 1, from, head, keepaliveMs: 50_000 })
const chunks = (id: string, prev?: number) => frame({ type: 'data', id, data: ['a', 'b'], of: 2, prev })
const closed = (id: string, rest: object = {}) => frame({ type: 'closed', id, outcome: 'done', ...rest })
const anew = (id: string) => frame({ type: 'anew', id, prev: 0 })
const shape = { message: 'no', code: -32_603, data: { code: 'INTERNAL_SERVER_ERROR' } }
const stopped = 'send {"id":1,"method":"subscription.stop","params":{"ref":1}}'

function watching(handlesGaps = true) {
  const machine = createMachine()
  machine.open()
  machine.subscribe(1, handlesGaps)
  machine.message(started('e:2'))
  return machine
}

describe('a stream', () => {
  test('completes at its close, after the chunks before it, in whatever order they arrive [TL-STREAM-6]', () => {
    const machine = watching()
    expect(machine.message(closed('e:5'))).toEqual([])
    expect(machine.message(chunks('e:4'))).toEqual([])
    expect(machine.message(chunks('e:3'))).toEqual(['deliver 1 e:3', 'deliver 1 e:4', stopped, 'complete 1'])
  })
  test('sends no stop where the server has no subscription [TL-STREAM-6]', () => {
    const machine = createMachine()
    machine.open()
    machine.subscribe(1)
    const answer = [started('e:1', 'e:4'), chunks('e:3', 1), closed('e:4', { off: true })]
    expect(machine.message(...answer)).toEqual(['started 1', 'deliver 1 e:3', 'complete 1'])
  })
  test('that failed is an error of the procedure, and one that was lost is STREAM_LOST [TL-STREAM-6]', () => {
    const failed = closed('e:3', { outcome: 'failed', failure: { error: shape } })
    expect(watching().message(failed)).toEqual([stopped, 'fail 1 procedure'])
    const line = { code: 'STREAM_LOST', retry: 'never', mayHaveRun: true }
    const lost = closed('e:3', { outcome: 'lost', failure: { error: shape, line } })
    expect(watching().message(lost)).toEqual([stopped, 'fail 1 STREAM_LOST may have run'])
    expect(watching().message(closed('e:3', { outcome: 'failed' }))).toEqual([stopped, 'fail 1 procedure'])
  })
  test('that begins again is a gap, whatever was missing before, and continues there [TL-STREAM-8]', () => {
    const machine = watching()
    expect(machine.message(chunks('e:3'))).toEqual(['deliver 1 e:3'])
    expect(machine.message(anew('e:7'))).toEqual(['gap 1 restarted after e:6'])
    expect(machine.message(chunks('e:5'), chunks('e:8'))).toEqual(['deliver 1 e:8'])
    expect(machine.message(anew('e:7'))).toEqual([])
  })
  test('that begins again ends a subscription that handles no gaps [TL-STREAM-8]', () => {
    expect(watching(false).message(anew('e:7'))).toEqual([stopped, 'fail 1 GAP may have run'])
  })
  test('is asked for its head within a minute, so that the loss of its producer is noticed [TL-STREAM-7]', () => {
    const machine = watching()
    expect(machine.timers.get('ping')).toBeLessThanOrEqual(60_000)
    machine.message(closed('e:3'))
  })
})
