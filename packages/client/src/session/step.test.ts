import { defined } from '@trunkline/protocol'
// One file over 200 lines: it tests the whole session through its one function, `step`.

import { describe, expect, test } from 'vitest'
import { createMachine, helloFrame } from '../testing/session.suite.ts'

const network = { code: 'network', message: 'cut' } as const
const server = { code: 'server', message: 'closed' } as const
const subscribed = (id: number, ref: number, lastEventId?: string) =>
  `send ${JSON.stringify({ id, method: 'subscription', params: { path: 'live', input: null, ref, lastEventId } })}`
const synced = (n: number, ...subscriptions: object[]) =>
  `send ${JSON.stringify({ id: `sync-${n}`, method: 'sync', params: { subscriptions } })}`
const stopped = (id: number, ref: number) =>
  `send ${JSON.stringify({ id, method: 'subscription.stop', params: { ref } })}`
const started = (
  id: number,
  ref: number,
  { from, head = from, gap }: { from: string; head?: string; gap?: string },
) => ({
  id,
  result: { type: 'started', ref, from, head, ...defined({ gap }) },
})
const event = (id: number, at: string, prev?: number) => ({
  id,
  result: { type: 'data', id: at, data: at, ...defined({ prev }) },
})
const gateway = { message: 'Internal server error', connectionId: 'c', requestId: 'r' }

describe('lifecycle', () => {
  test('the first call connects; nothing but hello is sent before it is answered [TL-HELLO-1]', () => {
    const machine = createMachine()
    expect(machine.call(1)).toEqual(['connect'])
    expect(machine.state.status).toEqual({ status: 'connecting' })
    expect(machine.feed({ type: 'opened' })).toEqual(['send {"id":"hello-1","method":"hello"}'])
    expect(machine.call(2)).toEqual([])
    expect(machine.message(helloFrame())).toEqual(['send query 1', 'send query 2'])
    expect(machine.state.status).toEqual({ status: 'open', transport: 'socket' })
    expect(machine.call(3)).toEqual(['send query 3'])
  })

  test.each([
    ['by the network waits at most 1 s, also when it happens repeatedly', network, [500, 1_000, 1_000]],
    ['by the server waits a growing back-off, until a socket was open for 5 s', server, [500, 1_000, 2_000]],
  ])('an open socket that is lost %s', (_, cause, expected) => {
    const machine = createMachine(1)
    machine.open()
    const waits: (number | undefined)[] = []
    for (let attempt = 0; attempt < 3; attempt += 1) {
      machine.feed({ type: 'lost', cause })
      waits.push(machine.timers.get('retry'))
      expect(machine.fire({ kind: 'retry' })).toEqual(['admit'])
      machine.open()
    }
    expect(waits).toEqual(expected)
    machine.fire({ kind: 'stable' })
    machine.feed({ type: 'lost', cause: network })
    expect(machine.state.status).toEqual({ status: 'reconnecting', cause: network, attempt: 1, retryAt: 500 })
  })

  test('retry-now does not wait for retryAt', () => {
    const machine = createMachine()
    machine.open()
    machine.feed({ type: 'lost', cause: network })
    expect(machine.feed({ type: 'retry-now' })).toEqual(['admit'])
    expect([...machine.timers.keys()]).toEqual([])
  })

  test('when the network comes back, the client connects at once or checks the open socket', () => {
    const machine = createMachine()
    machine.open()
    expect(machine.feed({ type: 'wake' })).toEqual(['send {"method":"ping"}'])
    machine.feed({ type: 'lost', cause: network })
    expect(machine.feed({ type: 'wake' })).toEqual(['admit'])
  })

  test('a `watch` timer that fires over two minutes late shows that the machine was suspended [TL-SYNC-6]', () => {
    const machine = createMachine()
    machine.open()
    machine.wait(60_000)
    expect(machine.fire({ kind: 'watch' })).toEqual([])
    machine.wait(121_000)
    expect(machine.fire({ kind: 'watch' })).toEqual(['send {"method":"ping"}'])
    machine.wait(121_000)
    expect(machine.fire({ kind: 'watch' })).toEqual([]) // one is in progress
    expect(machine.timers.get('watch')).toBe(60_000)
  })

  test('subscriptions that a sync left out for lack of room are requested at once [TL-SYNC-3]', () => {
    const machine = createMachine()
    machine.open()
    for (const id of [1, 2]) {
      machine.subscribe(id)
      machine.message(started(id, 1, { from: 'e:4' }))
    }
    machine.fire({ kind: 'ping' })
    const answered = { id: 1, result: { type: 'synced', from: 'e:4', head: 'e:4' } }
    expect(machine.message(answered, { id: 'sync-2', result: { type: 'data' } })).toEqual([
      synced(3, { id: 2, ref: 1, from: 'e:4' }),
    ])
  })

  test('a `hello` without an answer, with an error or with a failed function drops the socket', () => {
    const failures = [
      (machine: ReturnType<typeof createMachine>) => machine.fire({ kind: 'hello' }),
      (machine: ReturnType<typeof createMachine>) => machine.message({ id: 'hello-1', error: {} }),
      (machine: ReturnType<typeof createMachine>) => machine.message(gateway),
    ]
    for (const fail of failures) {
      const machine = createMachine()
      machine.call(1)
      machine.feed({ type: 'opened' })
      expect(fail(machine)).toEqual(['replace'])
      expect(machine.state.status).toMatchObject({ status: 'reconnecting', cause: { code: 'server' } })
    }
  })

  test('a ping without a pong within 15 s drops the socket [TL-PING-3]', () => {
    const machine = createMachine(0.5)
    machine.open()
    expect(machine.timers.get('ping')).toBe(270_000)
    expect(machine.fire({ kind: 'ping' })).toEqual(['send {"method":"ping"}'])
    expect(machine.timers.get('pong')).toBe(15_000)
    machine.message({ pong: true })
    expect(machine.timers.has('pong')).toBe(false)
    machine.fire({ kind: 'ping' })
    expect(machine.fire({ kind: 'pong' })).toEqual(['replace'])
    expect(machine.state.status).toMatchObject({ status: 'reconnecting', cause: { code: 'network' } })
  })

  test('each keepalive syncs the live logs [TL-SYNC-5]', () => {
    const machine = createMachine()
    machine.open()
    machine.subscribe(1)
    machine.subscribe(2)
    machine.message(started(1, 1, { from: 'e:4' }))
    machine.message({ id: 2, result: { type: 'started', ref: 1 } })
    expect(machine.fire({ kind: 'ping' })).toEqual([synced(2, { id: 1, ref: 1, from: 'e:4' })])
    expect(machine.timers.get('pong')).toBe(15_000)
    machine.message(
      { id: 1, result: { type: 'synced', from: 'e:4', head: 'e:4' } },
      { id: 'sync-2', result: { type: 'data' } },
    )
    expect(machine.timers.has('pong')).toBe(false) // an answer shows that the socket works, as a pong does
  })

  test('closing waits for calls in flight, at most 5 s', () => {
    const machine = createMachine()
    machine.open()
    machine.call(1)
    machine.subscribe(2)
    expect(machine.feed({ type: 'close' })).toEqual([stopped(2, 1), 'complete 2'])
    expect(machine.call(3)).toEqual(['fail 3 CLOSED'])
    expect(machine.timers.get('close')).toBe(5_000)
    expect(machine.fire({ kind: 'close' })).toEqual(['fail 1 CLOSED may have run', 'disconnect', 'closed'])
    expect(machine.feed({ type: 'close' })).toEqual(['closed'])
    expect(machine.feed({ type: 'restart' })).toEqual([])
  })

  test('closing leaves no timer', () => {
    const machine = createMachine()
    machine.open({ authExpires: 60_000 })
    machine.subscribe(1)
    machine.feed({ type: 'close' })
    expect([...machine.timers.keys()]).toEqual([])
  })
})

describe('calls', () => {
  test('an answer without a pending call changes nothing [TL-CALL-6]', () => {
    const machine = createMachine()
    machine.open()
    machine.call(1)
    expect(machine.message({ id: 1, result: { type: 'data' } })).toEqual(['answer 1'])
    expect(machine.message({ id: 1, result: { type: 'data' } })).toEqual([])
    expect(machine.message({ id: 77, error: {} })).toEqual([])
  })

  test('a mutation that waits to be sent does not fail with a lost socket', () => {
    const machine = createMachine()
    machine.call(1, 'mutation')
    expect(machine.feed({ type: 'lost', cause: network })).toEqual([])
    expect(machine.open()).toEqual(['send mutation 1'])
    expect(machine.feed({ type: 'lost', cause: network })).toEqual(['fail 1 CONNECTION_LOST may have run'])
  })

  test('an error of the gateway that may be about another call is reported at the deadline [TL-GW-2]', () => {
    const machine = createMachine()
    machine.open()
    machine.subscribe(1)
    machine.call(2)
    expect(machine.message(gateway)).toEqual([])
    machine.call(3)
    expect(machine.fire({ kind: 'deadline', id: 2 })).toEqual(['fail 2 FUNCTION_FAILED may have run'])
    expect(machine.fire({ kind: 'deadline', id: 3 })).toEqual(['fail 3 TIMEOUT may have run'])
  })

  test('an error under id null settles no call, and its message is reported [TL-ERR-4]', () => {
    const machine = createMachine()
    machine.open()
    machine.call(1)
    expect(machine.message({ id: null, error: { message: 'no id' } })).toEqual(['protocol-error'])
    machine.call(2)
    machine.subscribe(3)
    expect(machine.message({ id: null, error: {} })).toEqual(['protocol-error'])
    expect(machine.message({ id: 1, result: { type: 'data' } })).toEqual(['answer 1'])
  })

  test('an error under id null lets each keyed mutation be sent again [TL-KEY-10]', () => {
    const machine = createMachine()
    machine.open()
    machine.call(1, 'mutation', { resends: true, key: 'own.a', text: '{"id":1,"params":{"path":"p"}}' })
    machine.call(2)
    machine.message({ id: null, error: {} })
    expect(machine.fire({ kind: 'resend', id: 1 })).toEqual([
      'send {"id":1,"params":{"path":"p","key":"own.a","resend":true}}',
    ])
    expect(machine.timers.has('resend 2')).toBe(false)
  })

  test('an error under id null that answers hello drops the socket [TL-ERR-4]', () => {
    const machine = createMachine()
    machine.call(1)
    machine.feed({ type: 'opened' })
    expect(machine.message({ id: null, error: { message: 'no id' } })).toEqual(['protocol-error', 'replace'])
  })

  test('a limit that hello lowered applies to waiting calls', () => {
    const machine = createMachine()
    machine.call(1, 'query', { bytes: 500 })
    machine.feed({ type: 'opened' })
    expect(machine.message(helloFrame({ limits: { frameBytes: 400, lifetimeMs: 7_200_000 } }))).toEqual([
      'fail 1 TOO_LARGE',
    ])
    expect(machine.call(2, 'query', { bytes: 401 })).toEqual(['fail 2 TOO_LARGE'])
  })

  test('the outbox is bounded by bytes', () => {
    const machine = createMachine()
    for (let id = 1; id <= 128; id += 1)
      expect(machine.call(id, 'query', { bytes: 32_768 })).not.toContain(`fail ${id} OUTBOX_FULL`)
    expect(machine.call(129, 'query', { bytes: 1 })).toEqual(['fail 129 OUTBOX_FULL'])
  })
})

describe('subscriptions', () => {
  function live(handlesGaps = true) {
    const machine = createMachine()
    machine.open()
    machine.subscribe(1, handlesGaps)
    machine.message(started(1, 1, { from: 'e:4' }))
    return machine
  }

  test('events that are pushed before `started` are held [TL-SUB-9]', () => {
    const machine = createMachine()
    machine.open()
    expect(machine.subscribe(1)).toEqual([subscribed(1, 1)])
    expect(machine.message(event(1, 'e:6'))).toEqual([])
    expect(machine.message(started(1, 1, { from: 'e:4', head: 'e:5' }), event(1, 'e:5'))).toEqual([
      'started 1',
      'deliver 1 e:5',
      'deliver 1 e:6',
    ])
  })

  test('without `started` within 10 to 15 s it subscribes again with the next ref, each id at another moment', () => {
    const machine = createMachine()
    machine.open()
    machine.subscribe(1)
    machine.subscribe(2)
    expect(machine.timers.get('started 1')).toBe(13_090)
    expect(machine.timers.get('started 2')).toBe(11_180)
    expect(machine.fire({ kind: 'started', id: 1 })).toEqual([subscribed(1, 2)])
    machine.message(started(1, 1, { from: 'e:4' })) // late, but still correct
    expect(machine.message(event(1, 'e:5'))).toEqual(['deliver 1 e:5'])
    // a first answer moves no position
    expect(machine.message(started(1, 2, { from: 'e:9' }))).toEqual([synced(2, { id: 1, ref: 2, from: 'e:5' })])
  })

  test('an answer that ends before its head is continued at once, until an advance reaches the head [TL-SYNC-3] [TL-SUB-10]', () => {
    const machine = createMachine()
    machine.open()
    machine.subscribe(1)
    expect(machine.message(started(1, 1, { from: 'e:0', head: 'e:9' }), event(1, 'e:1'))).toEqual([
      'started 1',
      'deliver 1 e:1',
      synced(2, { id: 1, ref: 1, from: 'e:1' }),
    ])
    const page = { id: 1, result: { type: 'synced', from: 'e:1', head: 'e:9' } }
    expect(machine.message(page, event(1, 'e:8', 1))).toEqual([
      'deliver 1 e:8',
      synced(3, { id: 1, ref: 1, from: 'e:8' }),
    ])
    const last = { id: 1, result: { type: 'synced', from: 'e:8', head: 'e:9' } }
    expect(machine.message(last, { id: 1, result: { type: 'advance', id: 'e:9', prev: 8 } })).toEqual([])
    expect(machine.timers.has('gap 1')).toBe(false)
  })

  test('a hole is fetched after 300 ms, and later when a fetch brings nothing', () => {
    const machine = live()
    expect(machine.message(event(1, 'e:6'))).toEqual([])
    expect(machine.timers.get('gap 1')).toBe(300)
    expect(machine.fire({ kind: 'gap', id: 1 })).toEqual([synced(2, { id: 1, ref: 1, from: 'e:4' })])
    expect(machine.timers.get('gap 1')).toBe(5_000)
    for (const ms of [600, 1_200, 2_000, 2_000]) {
      machine.message({ id: 1, result: { type: 'synced', from: 'e:4', head: 'e:6' } })
      expect(machine.timers.get('gap 1')).toBe(ms)
      machine.fire({ kind: 'gap', id: 1 })
    }
    expect(machine.message(event(1, 'e:5'))).toEqual(['deliver 1 e:5', 'deliver 1 e:6'])
  })

  test('a hole that closes by itself is not fetched', () => {
    const machine = live()
    machine.message(event(1, 'e:6'))
    machine.message(event(1, 'e:5'))
    expect(machine.fire({ kind: 'gap', id: 1 })).toEqual([])
  })

  test('a fetch without an answer is sent again', () => {
    const machine = live()
    machine.message(event(1, 'e:6'))
    machine.fire({ kind: 'gap', id: 1 })
    expect(machine.fire({ kind: 'gap', id: 1 })).toEqual([synced(3, { id: 1, ref: 1, from: 'e:4' })])
  })

  test('another epoch makes the client resume, once until the answer [TL-SUB-8]', () => {
    const machine = live()
    expect(machine.message(event(1, 'f:1'))).toEqual([subscribed(1, 2, 'e:4')])
    expect(machine.message(event(1, 'f:2'))).toEqual([])
    expect(
      machine.message(started(1, 2, { from: 'f:0', head: 'f:2', gap: 'new-epoch' }), event(1, 'f:1'), event(1, 'f:2')),
    ).toEqual(['gap 1 new-epoch after e:4', 'deliver 1 f:1', 'deliver 1 f:2'])
  })

  test('a resume without a gap only moves the position forward', () => {
    const machine = live()
    machine.feed({ type: 'lost', cause: network })
    expect(machine.open()).toEqual([subscribed(1, 2, 'e:4')])
    machine.message(event(1, 'e:5'))
    expect(machine.message(started(1, 2, { from: 'e:4', head: 'e:6' }), event(1, 'e:5'), event(1, 'e:6'))).toEqual([
      'started 1',
      'deliver 1 e:6',
    ])
  })

  test.each([
    ['before the position', 'e:3', []],
    ['at the position', 'e:4', ['gap 1 expired after e:4']],
    ['ahead of it', 'e:9', ['gap 1 expired after e:4']],
  ])('a gap %s [TL-SYNC-4]', (_, from, effects) => {
    const machine = live()
    machine.message(event(1, 'f:1'))
    expect(machine.message(started(1, 2, { from, gap: 'expired' }))).toEqual(effects)
    expect(machine.message(started(1, 2, { from, gap: 'expired' }))).toEqual([]) // doubled
  })

  test('a gap of a rewound log moves the position back and is reported once [TL-SYNC-4]', () => {
    const machine = live()
    machine.fire({ kind: 'ping' })
    const rewound = { id: 1, result: { type: 'synced', from: 'e:2', head: 'e:2', gap: 'new-epoch' } }
    expect(machine.message(rewound, { id: 'sync-2', result: { type: 'data' } })).toEqual([
      'gap 1 new-epoch after e:4',
      synced(3, { id: 1, ref: 1, from: 'e:2' }), // events that were pushed in the meantime were dropped
    ])
    expect(machine.message(event(1, 'e:3'))).toEqual(['deliver 1 e:3'])
    const caughtUp = { id: 1, result: { type: 'synced', from: 'e:2', head: 'e:4' } }
    expect(machine.message(caughtUp, event(1, 'e:3'), event(1, 'e:4'))).toEqual(['deliver 1 e:4'])
    expect(machine.timers.has('gap 1')).toBe(false)
  })

  test('a resume of a rewound log moves the position back and is reported once [TL-SYNC-4]', () => {
    const machine = live()
    machine.message(event(1, 'e:7')) // held; it belongs to the old history
    machine.feed({ type: 'lost', cause: network })
    expect(machine.open()).toEqual([subscribed(1, 2, 'e:4')])
    const rewound = started(1, 2, { from: 'e:2', gap: 'new-epoch' })
    expect(machine.message(rewound)).toEqual([
      'started 1',
      'gap 1 new-epoch after e:4',
      synced(3, { id: 1, ref: 2, from: 'e:2' }),
    ])
    expect(machine.message(rewound)).toEqual([]) // doubled
    const events = ['e:3', 'e:4', 'e:5', 'e:6', 'e:7']
    expect(machine.message(...events.map((at) => event(1, at)))).toEqual(events.map((at) => `deliver 1 ${at}`))
  })

  test('events before a first `started` are dropped when the client subscribes again: the answer has them or they are gone', () => {
    const machine = createMachine()
    machine.open()
    machine.subscribe(1)
    expect(machine.message(event(1, 'e:3'), event(1, 'e:4'))).toEqual([])
    machine.feed({ type: 'lost', cause: network })
    expect(machine.open()).toEqual([subscribed(1, 2)])
    expect(machine.message(started(1, 2, { from: 'e:2' }))).toEqual(['started 1']) // the log ends there: it was rewound
    const data = (at: string) => ({ id: 1, result: { type: 'data', id: at, data: 'new' } })
    expect(machine.message(data('e:3'), data('e:4'))).toEqual(['deliver 1 e:3', 'deliver 1 e:4'])
  })

  test('an unexpected answer does not move the position back [TL-SYNC-4]', () => {
    const machine = live()
    const rewound = { id: 1, result: { type: 'synced', from: 'e:2', head: 'e:2', gap: 'new-epoch' } }
    expect(machine.message(rewound)).toEqual([])
    expect(machine.message(started(1, 1, { from: 'e:2', gap: 'new-epoch' }))).toEqual([])
    expect(machine.message(event(1, 'e:3'), event(1, 'e:5'))).toEqual(['deliver 1 e:5'])
  })

  test('a log that ends before a held event was rewound: the held events are dropped without a gap [TL-SYNC-4]', () => {
    const machine = live()
    machine.message(event(1, 'e:7'))
    expect(machine.fire({ kind: 'gap', id: 1 })).toEqual([synced(2, { id: 1, ref: 1, from: 'e:4' })])
    const whole = { id: 1, result: { type: 'synced', from: 'e:4', head: 'e:6' } }
    expect(machine.message(whole, event(1, 'e:5'), event(1, 'e:6'))).toEqual([
      'deliver 1 e:5',
      'deliver 1 e:6', // and not the 7 that was held, which would continue it
      synced(3, { id: 1, ref: 1, from: 'e:6' }), // the held events may contain a new one
    ])
    machine.message({ id: 1, result: { type: 'synced', from: 'e:6', head: 'e:6' } })
    expect(machine.timers.has('gap 1')).toBe(false)
    const data = (at: string) => ({ id: 1, result: { type: 'data', id: at, data: 'new' } })
    expect(machine.message(data('e:7'), data('e:8'))).toEqual(['deliver 1 e:7', 'deliver 1 e:8'])
  })

  test('a page that ends before the held events is continued, and the held events are kept', () => {
    const machine = live()
    machine.message(event(1, 'e:9'))
    machine.fire({ kind: 'gap', id: 1 })
    const cut = { id: 1, result: { type: 'synced', from: 'e:4', head: 'e:6' } }
    expect(machine.message(cut, event(1, 'e:5'))).toEqual(['deliver 1 e:5', synced(3, { id: 1, ref: 1, from: 'e:5' })])
    const rest = { id: 1, result: { type: 'synced', from: 'e:5', head: 'e:9' } }
    const all = ['e:6', 'e:7', 'e:8', 'e:9']
    expect(machine.message(rest, ...all.map((at) => event(1, at)))).toEqual(all.map((at) => `deliver 1 ${at}`))
    expect(machine.timers.has('gap 1')).toBe(false)
  })

  test('a gap without onGap ends the subscription [TL-SUB-12]', () => {
    const machine = live(false)
    machine.message(event(1, 'f:1'))
    expect(machine.message(started(1, 2, { from: 'f:0', head: 'f:1', gap: 'new-epoch' }), event(1, 'f:1'))).toEqual([
      stopped(1, 2),
      'fail 1 GAP may have run', // the event after it was in flight and is not answered
    ])
  })

  test('a fault is a gap of one event, and the next events are delivered [TL-SUB-11]', () => {
    const fault = { id: 1, result: { type: 'fault', id: 'e:5', error: {} } }
    expect(live().message(fault, event(1, 'e:6'))).toEqual(['gap 1 not-resumable after e:4', 'deliver 1 e:6'])
    expect(live(false).message(fault)).toEqual([stopped(1, 1), 'fail 1 GAP may have run'])
  })

  test('a push within 5 s of a stop is ignored, and a later push is answered by another stop [TL-STOP-4]', () => {
    const machine = live()
    expect(machine.feed({ type: 'unsubscribe', id: 1 })).toEqual([stopped(1, 1)])
    expect(machine.message(event(1, 'e:5'), event(1, 'e:6'))).toEqual([])
    machine.wait(5_000)
    expect(machine.message(event(1, 'e:7'), event(1, 'e:8'))).toEqual([stopped(1, 1)])
    machine.wait(5_000)
    expect(machine.message(event(1, 'e:9'))).toEqual([stopped(1, 1)])
    expect(machine.message({ id: 1, result: { type: 'stopped' } })).toEqual([])
    machine.feed({ type: 'lost', cause: network })
    machine.open()
    expect(machine.message(event(1, 'e:10'))).toEqual([])
  })

  test('a subscription that the server does not know is sent again [TL-SYNC-2]', () => {
    const machine = live()
    const lost = { id: 1, error: {}, line: { code: 'CONNECTION_LOST', retry: 'now', mayHaveRun: true } }
    machine.message(lost)
    expect(machine.timers.get('started 1')).toBe(0)
    expect(machine.fire({ kind: 'started', id: 1 })).toEqual([subscribed(1, 2, 'e:4')])
    machine.message(lost)
    expect(machine.timers.get('started 1')).toBe(100) // after a back-off
  })

  test('a subscription that fails five more times in a row ends with the last error', () => {
    const machine = live()
    const failed = { id: 1, error: {}, line: { code: 'FUNCTION_FAILED', retry: 'later', mayHaveRun: true } }
    for (let failure = 0; failure < 5; failure += 1) {
      expect(machine.message(failed)).toEqual([])
      machine.fire({ kind: 'started', id: 1 })
    }
    expect(machine.message(failed)).toEqual(['fail 1 FUNCTION_FAILED may have run'])
  })

  test('an error of the procedure ends a subscription; an end by the server completes it', () => {
    const machine = live()
    machine.subscribe(2)
    expect(machine.message({ id: 1, error: {} })).toEqual(['fail 1 procedure'])
    expect(machine.message({ id: 2, result: { type: 'stopped' } })).toContain('complete 2')
  })

  test('a resume without a log sends the id of the last value', () => {
    const machine = createMachine()
    machine.open()
    machine.subscribe(1)
    machine.message({ id: 1, result: { type: 'started', ref: 1 } })
    expect(machine.message({ id: 1, result: { type: 'data', id: 'any id', data: 1 } })).toEqual(['deliver 1 any id'])
    machine.feed({ type: 'lost', cause: network })
    expect(machine.open()).toEqual([subscribed(1, 2, 'any id')])
  })

  test('early events above the limit are fetched instead of held [TL-SUB-7]', () => {
    const machine = live()
    const early = Array.from({ length: 1_001 }, (_, index) => event(1, `e:${index + 6}`))
    expect(machine.message(...early)).toEqual([synced(2, { id: 1, ref: 1, from: 'e:4' })])
  })
})
