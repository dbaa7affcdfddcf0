import { describe, expect, test } from 'vitest'
import { createMachine, helloFrame } from '../testing/session.suite.ts'

const network = { code: 'network', message: 'cut' } as const
const server = { code: 'server', message: 'closed' } as const
const subscribed = (id: number, ref: number, lastEventId?: string) =>
  `send ${JSON.stringify({ id, method: 'subscription', params: { path: 'live', input: null, ref, ...(lastEventId ? { lastEventId } : {}) } })}`
const synced = (n: number, ...subscriptions: object[]) =>
  `send ${JSON.stringify({ id: `sync-${n}`, method: 'sync', params: { subscriptions } })}`
const stopped = (id: number, ref: number) =>
  `send ${JSON.stringify({ id, method: 'subscription.stop', params: { ref } })}`
const started = (id: number, ref: number, from: string, head = from, gap?: string) => ({
  id,
  result: { type: 'started', ref, from, head, ...(gap ? { gap } : {}) },
})
const event = (id: number, at: string, prev?: number) => ({
  id,
  result: { type: 'data', id: at, data: at, ...(prev === undefined ? {} : { prev }) },
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
    expect(machine.state.status).toEqual({ status: 'open' })
    expect(machine.call(3)).toEqual(['send query 3'])
  })

  test.each([
    ['by the network waits a second at most, however often', network, [500, 1_000, 1_000]],
    ['by the server waits its back-off, longer each time, until one has lived for 5 s', server, [500, 1_000, 2_000]],
  ])('a greeted socket that is lost %s', (_, cause, expected) => {
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

  test('a network that came back tries at once, or proves that the open socket survived', () => {
    const machine = createMachine()
    machine.open()
    expect(machine.feed({ type: 'wake' })).toEqual(['send {"method":"ping"}'])
    machine.feed({ type: 'lost', cause: network })
    expect(machine.feed({ type: 'wake' })).toEqual(['admit'])
  })

  test('a machine that slept wakes: the watch came more than twice its minute late [TL-SYNC-6]', () => {
    const machine = createMachine()
    machine.open()
    machine.wait(60_000)
    expect(machine.fire({ kind: 'watch' })).toEqual([])
    machine.wait(121_000)
    expect(machine.fire({ kind: 'watch' })).toEqual(['send {"method":"ping"}'])
    machine.wait(121_000)
    expect(machine.fire({ kind: 'watch' })).toEqual([]) // one is under way
    expect(machine.timers.get('watch')).toBe(60_000)
  })

  test('a sync goes in as many frames as it needs [TL-SYNC-7]', () => {
    const machine = createMachine()
    machine.open()
    for (let id = 1; id <= 250; id += 1) {
      machine.subscribe(id)
      machine.message(started(id, 1, 'e:4'))
    }
    const sizesOf = (effects: readonly string[]) =>
      effects.map((effect) => JSON.parse(effect.slice('send '.length)).params.subscriptions.length)
    expect(sizesOf(machine.fire({ kind: 'ping' }))).toEqual([200, 50])
    machine.feed({ type: 'lost', cause: network })
    machine.feed({ type: 'opened' })
    machine.message({ ...helloFrame({ limits: { frameBytes: 4_000, lifetimeMs: 7_200_000 } }), id: 'hello-4' })
    for (let id = 1; id <= 250; id += 1) machine.message(started(id, 2, 'e:4'))
    const frames = machine.fire({ kind: 'ping' })
    expect(sizesOf(frames).reduce((sum, size) => sum + size)).toBe(250)
    for (const frame of frames) expect(frame.length).toBeLessThanOrEqual(4_005)
  })

  test('what a sync left out for want of room is asked for at once [TL-SYNC-3]', () => {
    const machine = createMachine()
    machine.open()
    for (const id of [1, 2]) {
      machine.subscribe(id)
      machine.message(started(id, 1, 'e:4'))
    }
    machine.fire({ kind: 'ping' })
    const answered = { id: 1, result: { type: 'synced', from: 'e:4', head: 'e:4' } }
    expect(machine.message(answered, { id: 'sync-2', result: { type: 'data' } })).toEqual([
      synced(3, { id: 2, ref: 1, from: 'e:4' }),
    ])
  })

  test('hello that is not answered, is answered with an error or killed the function costs the socket', () => {
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

  test('a ping without a pong within 15 s costs the socket [TL-PING-3]', () => {
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

  test('each keepalive asks where the live logs stand [TL-SYNC-5]', () => {
    const machine = createMachine()
    machine.open()
    machine.subscribe(1)
    machine.subscribe(2)
    machine.message(started(1, 1, 'e:4'))
    machine.message({ id: 2, result: { type: 'started', ref: 1 } })
    expect(machine.fire({ kind: 'ping' })).toEqual([synced(2, { id: 1, ref: 1, from: 'e:4' })])
    expect(machine.timers.get('pong')).toBe(15_000)
    machine.message(
      { id: 1, result: { type: 'synced', from: 'e:4', head: 'e:4' } },
      { id: 'sync-2', result: { type: 'data' } },
    )
    expect(machine.timers.has('pong')).toBe(false) // an answer is a sign of life as good as a pong
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
  test('an answer for nothing that waits changes nothing [TL-CALL-6]', () => {
    const machine = createMachine()
    machine.open()
    machine.call(1)
    expect(machine.message({ id: 1, result: { type: 'data' } })).toEqual(['answer 1'])
    expect(machine.message({ id: 1, result: { type: 'data' } })).toEqual([])
    expect(machine.message({ id: 77, error: {} })).toEqual([])
  })

  test('a mutation that waits is no mutation that was lost', () => {
    const machine = createMachine()
    machine.call(1, 'mutation')
    expect(machine.feed({ type: 'lost', cause: network })).toEqual([])
    expect(machine.open()).toEqual(['send mutation 1'])
    expect(machine.feed({ type: 'lost', cause: network })).toEqual(['fail 1 CONNECTION_LOST may have run'])
  })

  test("the gateway's words are remembered until the deadline when they may be about another [TL-GW-2]", () => {
    const machine = createMachine()
    machine.open()
    machine.subscribe(1)
    machine.call(2)
    expect(machine.message(gateway)).toEqual([])
    machine.call(3)
    expect(machine.fire({ kind: 'deadline', id: 2 })).toEqual(['fail 2 FUNCTION_FAILED may have run'])
    expect(machine.fire({ kind: 'deadline', id: 3 })).toEqual(['fail 3 TIMEOUT may have run'])
  })

  test('an error under id null settles no call, and its words are reported [TL-ERR-4]', () => {
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
    machine.call(1, 'mutation', 10, { resends: true, key: 'own.a', text: '{"id":1,"params":{"path":"p"}}' })
    machine.call(2)
    machine.message({ id: null, error: {} })
    expect(machine.fire({ kind: 'resend', id: 1 })).toEqual([
      'send {"id":1,"params":{"path":"p","key":"own.a","resend":true}}',
    ])
    expect(machine.timers.has('resend 2')).toBe(false)
  })

  test('an error under id null that answers hello ends the socket [TL-ERR-4]', () => {
    const machine = createMachine()
    machine.call(1)
    machine.feed({ type: 'opened' })
    expect(machine.message({ id: null, error: { message: 'no id' } })).toEqual(['protocol-error', 'replace'])
  })

  test('a limit that hello lowered holds for what waited', () => {
    const machine = createMachine()
    machine.call(1, 'query', 500)
    machine.feed({ type: 'opened' })
    expect(machine.message(helloFrame({ limits: { frameBytes: 400, lifetimeMs: 7_200_000 } }))).toEqual([
      'fail 1 TOO_LARGE',
    ])
    expect(machine.call(2, 'query', 401)).toEqual(['fail 2 TOO_LARGE'])
  })

  test('the outbox is bounded by bytes', () => {
    const machine = createMachine()
    for (let id = 1; id <= 128; id += 1)
      expect(machine.call(id, 'query', 32_768)).not.toContain(`fail ${id} OUTBOX_FULL`)
    expect(machine.call(129, 'query', 1)).toEqual(['fail 129 OUTBOX_FULL'])
  })
})

describe('subscriptions', () => {
  function live(handlesGaps = true) {
    const machine = createMachine()
    machine.open()
    machine.subscribe(1, handlesGaps)
    machine.message(started(1, 1, 'e:4'))
    return machine
  }

  test('what is pushed before started is held back [TL-SUB-9]', () => {
    const machine = createMachine()
    machine.open()
    expect(machine.subscribe(1)).toEqual([subscribed(1, 1)])
    expect(machine.message(event(1, 'e:6'))).toEqual([])
    expect(machine.message(started(1, 1, 'e:4', 'e:5'), event(1, 'e:5'))).toEqual([
      'started 1',
      'deliver 1 e:5',
      'deliver 1 e:6',
    ])
  })

  test('without a started within 10 to 15 s it subscribes again with the next ref, each id at a moment of its own', () => {
    const machine = createMachine()
    machine.open()
    machine.subscribe(1)
    machine.subscribe(2)
    expect(machine.timers.get('started 1')).toBe(13_090)
    expect(machine.timers.get('started 2')).toBe(11_180)
    expect(machine.fire({ kind: 'started', id: 1 })).toEqual([subscribed(1, 2)])
    machine.message(started(1, 1, 'e:4')) // late, but true
    expect(machine.message(event(1, 'e:5'))).toEqual(['deliver 1 e:5'])
    expect(machine.message(started(1, 2, 'e:9'))).toEqual([synced(2, { id: 1, ref: 2, from: 'e:5' })]) // a fresh answer moves no position
  })

  test('an answer that stops short of its head is fetched on at once, until an advance reaches it [TL-SYNC-3] [TL-SUB-10]', () => {
    const machine = createMachine()
    machine.open()
    machine.subscribe(1)
    expect(machine.message(started(1, 1, 'e:0', 'e:9'), event(1, 'e:1'))).toEqual([
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

  test('a hole waits 300 ms before it is fetched, and longer when fetching brings nothing', () => {
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

  test('a fetch without an answer is asked again', () => {
    const machine = live()
    machine.message(event(1, 'e:6'))
    machine.fire({ kind: 'gap', id: 1 })
    expect(machine.fire({ kind: 'gap', id: 1 })).toEqual([synced(3, { id: 1, ref: 1, from: 'e:4' })])
  })

  test('another epoch makes the client resume, once until it is answered [TL-SUB-8]', () => {
    const machine = live()
    expect(machine.message(event(1, 'f:1'))).toEqual([subscribed(1, 2, 'e:4')])
    expect(machine.message(event(1, 'f:2'))).toEqual([])
    expect(machine.message(started(1, 2, 'f:0', 'f:2', 'new-epoch'), event(1, 'f:1'), event(1, 'f:2'))).toEqual([
      'gap 1 new-epoch after e:4',
      'deliver 1 f:1',
      'deliver 1 f:2',
    ])
  })

  test('a resume that is whole only moves up', () => {
    const machine = live()
    machine.feed({ type: 'lost', cause: network })
    expect(machine.open()).toEqual([subscribed(1, 2, 'e:4')])
    machine.message(event(1, 'e:5'))
    expect(machine.message(started(1, 2, 'e:4', 'e:6'), event(1, 'e:5'), event(1, 'e:6'))).toEqual([
      'started 1',
      'deliver 1 e:6',
    ])
  })

  test.each([
    ['behind the position', 'e:3', []],
    ['at the position', 'e:4', ['gap 1 expired after e:4']],
    ['ahead of it', 'e:9', ['gap 1 expired after e:4']],
  ])('a gap %s [TL-SYNC-4]', (_, from, effects) => {
    const machine = live()
    machine.message(event(1, 'f:1'))
    expect(machine.message(started(1, 2, from, from, 'expired'))).toEqual(effects)
    expect(machine.message(started(1, 2, from, from, 'expired'))).toEqual([]) // doubled
  })

  test('a gap of a log that was rewound moves the position back, told once [TL-SYNC-4]', () => {
    const machine = live()
    machine.fire({ kind: 'ping' })
    const rewound = { id: 1, result: { type: 'synced', from: 'e:2', head: 'e:2', gap: 'new-epoch' } }
    expect(machine.message(rewound, { id: 'sync-2', result: { type: 'data' } })).toEqual([
      'gap 1 new-epoch after e:4',
      synced(3, { id: 1, ref: 1, from: 'e:2' }), // what was pushed meanwhile was dropped as known
    ])
    expect(machine.message(event(1, 'e:3'))).toEqual(['deliver 1 e:3'])
    const caughtUp = { id: 1, result: { type: 'synced', from: 'e:2', head: 'e:4' } }
    expect(machine.message(caughtUp, event(1, 'e:3'), event(1, 'e:4'))).toEqual(['deliver 1 e:4'])
    expect(machine.timers.has('gap 1')).toBe(false)
  })

  test('a resume of a log that was rewound moves the position back, told once [TL-SYNC-4]', () => {
    const machine = live()
    machine.message(event(1, 'e:7')) // held, and of the history that is gone
    machine.feed({ type: 'lost', cause: network })
    expect(machine.open()).toEqual([subscribed(1, 2, 'e:4')])
    const rewound = started(1, 2, 'e:2', 'e:2', 'new-epoch')
    expect(machine.message(rewound)).toEqual([
      'started 1',
      'gap 1 new-epoch after e:4',
      synced(3, { id: 1, ref: 2, from: 'e:2' }),
    ])
    expect(machine.message(rewound)).toEqual([]) // doubled
    const events = ['e:3', 'e:4', 'e:5', 'e:6', 'e:7']
    expect(machine.message(...events.map((at) => event(1, at)))).toEqual(events.map((at) => `deliver 1 ${at}`))
  })

  test('what came before a first `started` is dropped when it is asked for again: the answer has it, or it is gone', () => {
    const machine = createMachine()
    machine.open()
    machine.subscribe(1)
    expect(machine.message(event(1, 'e:3'), event(1, 'e:4'))).toEqual([])
    machine.feed({ type: 'lost', cause: network })
    expect(machine.open()).toEqual([subscribed(1, 2)])
    expect(machine.message(started(1, 2, 'e:2'))).toEqual(['started 1']) // the log ends there: it was rewound
    const data = (at: string) => ({ id: 1, result: { type: 'data', id: at, data: 'new' } })
    expect(machine.message(data('e:3'), data('e:4'))).toEqual(['deliver 1 e:3', 'deliver 1 e:4'])
  })

  test('an answer that nobody awaits does not move the position back [TL-SYNC-4]', () => {
    const machine = live()
    const rewound = { id: 1, result: { type: 'synced', from: 'e:2', head: 'e:2', gap: 'new-epoch' } }
    expect(machine.message(rewound)).toEqual([])
    expect(machine.message(started(1, 1, 'e:2', 'e:2', 'new-epoch'))).toEqual([])
    expect(machine.message(event(1, 'e:3'), event(1, 'e:5'))).toEqual(['deliver 1 e:5'])
  })

  test('a log that ends below what is held was rewound: what is held is dropped, and nothing was lost [TL-SYNC-4]', () => {
    const machine = live()
    machine.message(event(1, 'e:7'))
    expect(machine.fire({ kind: 'gap', id: 1 })).toEqual([synced(2, { id: 1, ref: 1, from: 'e:4' })])
    const whole = { id: 1, result: { type: 'synced', from: 'e:4', head: 'e:6' } }
    expect(machine.message(whole, event(1, 'e:5'), event(1, 'e:6'))).toEqual([
      'deliver 1 e:5',
      'deliver 1 e:6', // and not the 7 that was held, which would continue it
      synced(3, { id: 1, ref: 1, from: 'e:6' }), // among what was held may be something new
    ])
    machine.message({ id: 1, result: { type: 'synced', from: 'e:6', head: 'e:6' } })
    expect(machine.timers.has('gap 1')).toBe(false)
    const data = (at: string) => ({ id: 1, result: { type: 'data', id: at, data: 'new' } })
    expect(machine.message(data('e:7'), data('e:8'))).toEqual(['deliver 1 e:7', 'deliver 1 e:8'])
  })

  test('a page that ends below what is held is fetched on from, with what was held', () => {
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

  test('a gap that nobody handles ends the subscription [TL-SUB-12]', () => {
    const machine = live(false)
    machine.message(event(1, 'f:1'))
    expect(machine.message(started(1, 2, 'f:0', 'f:1', 'new-epoch'), event(1, 'f:1'))).toEqual([
      stopped(1, 2),
      'fail 1 GAP may have run', // the event behind it was on its way and is not answered
    ])
  })

  test('a fault is a gap of one event, and what comes after it arrives [TL-SUB-11]', () => {
    const fault = { id: 1, result: { type: 'fault', id: 'e:5', error: {} } }
    expect(live().message(fault, event(1, 'e:6'))).toEqual(['gap 1 not-resumable after e:4', 'deliver 1 e:6'])
    expect(live(false).message(fault)).toEqual([stopped(1, 1), 'fail 1 GAP may have run'])
  })

  test('a push that was on its way when its subscription stopped is not answered; each of five seconds later is [TL-STOP-4]', () => {
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

  test('a subscription that the server does not know is asked for again [TL-SYNC-2]', () => {
    const machine = live()
    const lost = { id: 1, error: {}, line: { code: 'CONNECTION_LOST', retry: 'now', mayHaveRun: true } }
    machine.message(lost)
    expect(machine.timers.get('started 1')).toBe(0)
    expect(machine.fire({ kind: 'started', id: 1 })).toEqual([subscribed(1, 2, 'e:4')])
    machine.message(lost)
    expect(machine.timers.get('started 1')).toBe(100) // not in a circle
  })

  test('a subscription that fails five times more in a row ends with the last failure', () => {
    const machine = live()
    const failed = { id: 1, error: {}, line: { code: 'FUNCTION_FAILED', retry: 'later', mayHaveRun: true } }
    for (let failure = 0; failure < 5; failure += 1) {
      expect(machine.message(failed)).toEqual([])
      machine.fire({ kind: 'started', id: 1 })
    }
    expect(machine.message(failed)).toEqual(['fail 1 FUNCTION_FAILED may have run'])
  })

  test('an error of the procedure ends it; what the server ends is complete', () => {
    const machine = live()
    machine.subscribe(2)
    expect(machine.message({ id: 1, error: {} })).toEqual(['fail 1 procedure'])
    expect(machine.message({ id: 2, result: { type: 'stopped' } })).toContain('complete 2')
  })

  test('a resume of values without a log names the last id', () => {
    const machine = createMachine()
    machine.open()
    machine.subscribe(1)
    machine.message({ id: 1, result: { type: 'started', ref: 1 } })
    expect(machine.message({ id: 1, result: { type: 'data', id: 'any id', data: 1 } })).toEqual(['deliver 1 any id'])
    machine.feed({ type: 'lost', cause: network })
    expect(machine.open()).toEqual([subscribed(1, 2, 'any id')])
  })

  test('more early events than may be held are fetched instead [TL-SUB-7]', () => {
    const machine = live()
    const early = Array.from({ length: 1_001 }, (_, index) => event(1, `e:${index + 6}`))
    expect(machine.message(...early)).toEqual([synced(2, { id: 1, ref: 1, from: 'e:4' })])
  })
})
