import { describe, expect, test } from 'vitest'
import { createMachine } from '../testing/session.suite.ts'

const refusal = (id: number | string) => ({
  id,
  error: {},
  line: { code: 'RATE_LIMITED', retry: 'later', retryAfterMs: 8_200, mayHaveRun: false },
})
const sent = (effects: readonly string[], method: string) => effects.filter((effect) => effect.includes(`"${method}"`))

describe('a frame that is refused with RATE_LIMITED [TL-RATE-6]', () => {
  test.each([
    ['a query', 'query', {}],
    ['a mutation without a key', 'mutation', {}],
    ['a mutation with a key', 'mutation', { key: 'own.k', resends: true, text: '{"id":1,"params":{"path":"a"}}' }],
  ] as const)('of a call ends the call, which is not sent again: %s', (_, method, options) => {
    const machine = createMachine()
    machine.open()
    machine.call(1, method, options)
    expect(machine.message(refusal(1))).toEqual(['fail 1 RATE_LIMITED'])
    expect([...machine.timers.keys()].filter((timer) => timer.endsWith(' 1'))).toEqual([])
  })

  test('of a subscribe to a log is sent again after retryAfterMs, from the position that the client has', () => {
    const machine = createMachine()
    machine.open()
    machine.subscribe(1)
    machine.message({ id: 1, result: { type: 'started', ref: 1, from: 'e:4', head: 'e:4' } })
    machine.feed({ type: 'lost', cause: { code: 'server', message: 'cut' } })
    const [resume] = sent(machine.open(), 'subscription')
    expect(resume).toContain('"lastEventId":"e:4"')
    expect(machine.message(refusal(1))).toEqual([])
    expect(machine.timers.get('started 1')).toBe(8_200)
    expect(sent(machine.fire({ kind: 'started', id: 1 }), 'subscription')[0]).toContain('"lastEventId":"e:4"')
    expect(machine.message({ id: 1, result: { type: 'started', ref: 3, from: 'e:4', head: 'e:4' } }).join()).toContain(
      'started 1',
    )
  })

  test('of a sync is sent again after 5 s, once', () => {
    const machine = createMachine()
    machine.open()
    machine.subscribe(1)
    machine.message({ id: 1, result: { type: 'started', ref: 1, from: 'e:4', head: 'e:4' } })
    const [sync = ''] = sent(machine.fire({ kind: 'ping' }), 'sync')
    const { id } = JSON.parse(sync.replace('send ', '')) as { readonly id: string }
    expect(machine.message(refusal(id))).toEqual([])
    expect(machine.timers.get('gap 1')).toBe(5_000)
    expect(sent(machine.fire({ kind: 'gap', id: 1 }), 'sync')).toHaveLength(1)
  })
})

test('a client whose connections are deleted one after another waits longer each time [TL-RATE-6]', () => {
  const machine = createMachine(1)
  machine.open()
  const waits = [1, 2, 3, 4, 5].map(() => {
    machine.feed({ type: 'lost', cause: { code: 'server', message: 'The socket was closed with 1000.' } })
    const wait = machine.timers.get('retry')
    machine.open()
    return wait
  })
  expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000])
})
