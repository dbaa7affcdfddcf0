import { describe, expect, test } from 'vitest'
import { createMachine } from '../testing/session.suite.ts'

/** A machine whose connection is over HTTP. */
function openHttp() {
  const machine = createMachine()
  machine.open({ limits: { frameBytes: 1_048_576, lifetimeMs: 7_200_000, pollMs: 1_000 } })
  return machine
}
const keyed = { nonce: 'n'.repeat(22), resends: true, text: '{"id":2,"method":"mutation","params":{"path":"a"}}' }
const started = { type: 'started', ref: 1, from: 'e:4', head: 'e:4' }
const unanswered = (...frames: (string | number)[]) => ({ type: 'unanswered', frames }) as const

describe('a lost request settles its own frames only [TL-MOVE-2]', () => {
  test('a query is sent again, and another call keeps waiting for its answer', () => {
    const machine = openHttp()
    machine.call(1)
    machine.call(2)
    expect(machine.feed(unanswered(1))).toEqual(['send query 1'])
    expect(machine.state.status).toEqual({ status: 'open', transport: 'http' })
    expect(machine.message({ id: 2, result: { type: 'data', data: 'x' } })).toEqual(['answer 2'])
    expect(machine.message({ id: 1, result: { type: 'data', data: 'x' } })).toEqual(['answer 1'])
  })

  test('a keyed mutation is sent again under its key', () => {
    const machine = openHttp()
    const [first = ''] = machine.call(2, 'mutation', keyed)
    const [second = ''] = machine.feed(unanswered(2))
    expect(second).toBe(first.replace(/}}$/, ',"resend":true}}'))
  })

  test('a mutation without a key fails, and may have run', () => {
    const machine = openHttp()
    machine.call(1, 'mutation')
    expect(machine.feed(unanswered(1))).toEqual(['fail 1 CONNECTION_LOST may have run'])
  })

  test('a call that has an answer or waits for another request is left alone', () => {
    const machine = openHttp()
    machine.call(1, 'mutation', keyed)
    machine.message({ id: 1, error: {}, line: { code: 'PENDING', retry: 'later', mayHaveRun: true } })
    expect(machine.feed(unanswered(1))).toEqual([])
    expect(machine.timers.get('resend 1')).toBe(1_000)
  })

  test('a subscribe is sent again with the next ref, and a stop with its own', () => {
    const machine = openHttp()
    machine.subscribe(3)
    machine.feed(unanswered('>3'))
    expect(machine.timers.get('started 3')).toBe(0)
    expect(machine.fire({ kind: 'started', id: 3 })).toEqual([
      'send {"id":3,"method":"subscription","params":{"path":"live","input":null,"ref":2}}',
    ])
    machine.feed({ type: 'unsubscribe', id: 3 })
    expect(machine.feed(unanswered('.3'))).toEqual(['send {"id":3,"method":"subscription.stop","params":{"ref":2}}'])
  })

  test('a live subscription is not subscribed again', () => {
    const machine = openHttp()
    machine.subscribe(3)
    machine.message({ id: 3, result: started })
    expect(machine.feed(unanswered('>3'))).toEqual([])
    expect(machine.timers.has('started 3')).toBe(false)
  })

  test('a poll is sent again', () => {
    const machine = openHttp()
    machine.subscribe(3)
    machine.message({ id: 3, result: started })
    const [first = ''] = machine.feed({ type: 'poll' })
    const id = /sync-\d+/.exec(first)?.[0] ?? ''
    const [again = ''] = machine.feed(unanswered(id))
    expect(again.replace(/sync-\d+/, id)).toBe(first)
  })
})

describe('a session over HTTP', () => {
  const live = () => {
    const machine = openHttp()
    machine.subscribe(3)
    machine.subscribe(4)
    machine.message({ id: 3, result: started }, { id: 4, result: started })
    return machine
  }
  const end = (id: string, more: readonly number[]) => ({
    id,
    result: { type: 'data', data: { nextMs: 1_000, more, verified: 1 } },
  })
  const idOf = ([text = '']: readonly string[]) => /sync-\d+/.exec(text)?.[0] ?? ''

  test('asks again only for the subscriptions that an answer to a poll names [TL-HTTP-9]', () => {
    const machine = live()
    const id = idOf(machine.feed({ type: 'poll' }))
    const [again = '', ...others] = machine.message(end(id, [4]))
    expect([others, JSON.parse(again.slice(5)).params.subscriptions]).toEqual([[], [{ id: 4, ref: 1, from: 'e:4' }]])
    expect(machine.message(end(idOf([again]), []))).toEqual([])
  })

  test('has one sync out at a time [TL-MOVE-3]', () => {
    const machine = live()
    const id = idOf(machine.feed({ type: 'poll' }))
    expect([machine.feed({ type: 'poll' }), machine.feed({ type: 'wake' })]).toEqual([[], []])
    machine.subscribe(5)
    machine.message({ id: 5, result: started })
    expect(machine.feed({ type: 'poll' })).toEqual([])
    const [next = ''] = machine.message(end(id, []))
    expect(JSON.parse(next.slice(5)).params.subscriptions).toEqual([{ id: 5, ref: 1, from: 'e:4' }])
  })

  test('subscribes as often as needed where a response has no room for it [TL-HTTP-15]', () => {
    const machine = openHttp()
    machine.subscribe(3)
    for (let n = 0; n < 50; n += 1) {
      const line = { code: 'CONNECTION_LOST', retry: 'now', mayHaveRun: false }
      expect(machine.message({ id: 3, error: {}, line })).toEqual([])
      expect(machine.fire({ kind: 'started', id: 3 })[0]).toContain(`"ref":${n + 2}`)
    }
    expect(machine.message({ id: 3, result: { ...started, ref: 51 } })).toEqual(['started 3'])
  })

  test('reports one gap when a poll and a fetch bring the same one [TL-SYNC-4]', () => {
    const machine = live()
    const id = idOf(machine.feed({ type: 'poll' }))
    const gap = { id: 3, result: { type: 'synced', from: 'e:9', head: 'e:9', gap: 'expired' } }
    expect(machine.message(gap, end(id, []))).toEqual(['gap 3 expired after e:4'])
    expect(machine.message(gap)).toEqual([])
  })

  test('sends no ping and drops no connection for a keepalive without an answer', () => {
    const machine = live()
    expect(machine.timers.has('ping')).toBe(false) // the polls of its transport are enough
    machine.subscribe(5)
    machine.message({ id: 5, result: { ...started, keepaliveMs: 10_000 } }) // a member of a presence
    expect(machine.timers.get('ping')).toBe(8_000)
    expect(machine.fire({ kind: 'ping' })[0]).toContain('"method":"sync"')
    expect([machine.timers.has('pong'), machine.timers.get('ping')]).toEqual([false, 8_000])
  })

  test('ignores a poll that the old side of a hand-over asks for', () => {
    const machine = live()
    machine.wait(20_000)
    machine.message({ id: null, method: 'reconnect' })
    machine.feed({ type: 'opened', socket: 2 })
    machine.messageOf(2, { id: `hello-${machine.state.serial - 1}`, result: hello })
    expect(machine.state.status).toEqual({ status: 'open', transport: 'socket' })
    expect(machine.feed({ type: 'poll', socket: 1 })).toEqual([])
  })
})

const hello = { type: 'hello', session: 's', time: 0, limits: { frameBytes: 32_768, lifetimeMs: 7_200_000 } }
const needsSocket = (id: number) => ({
  id,
  error: {},
  line: { code: 'NEEDS_SOCKET', retry: 'later', mayHaveRun: false },
})

describe('what needs a socket waits for one [TL-MOVE-6]', () => {
  /** Moves the session to a socket by a hand-over. */
  const move = (machine: ReturnType<typeof createMachine>) => {
    machine.wait(20_000)
    machine.message({ id: null, method: 'reconnect' })
    machine.feed({ type: 'opened', socket: machine.state.lastSocket })
    return machine.messageOf(machine.state.lastSocket, { id: 'hello', result: hello })
  }

  test('a subscription is pending, and starts on the socket', () => {
    const machine = openHttp()
    machine.subscribe(3)
    expect(machine.message(needsSocket(3))).toEqual(['pending'])
    expect(machine.timers.has('started 3')).toBe(false)
    expect(move(machine)).toContain(
      'send {"id":3,"method":"subscription","params":{"path":"live","input":null,"ref":2}}',
    )
    expect(machine.message({ id: 3, result: { type: 'started', ref: 2 } })).toContain('started 3')
  })

  test('a query waits for the socket until its deadline, and then fails with the reason', () => {
    const machine = openHttp()
    machine.call(1)
    machine.call(2)
    expect(machine.message(needsSocket(1), needsSocket(2))).toEqual([])
    expect(machine.fire({ kind: 'deadline', id: 1 })).toContain('fail 1 NEEDS_SOCKET')
    expect(move(machine)).toContain('send query 2')
  })

  test('a generator that ran is a gap once, as after a lost socket, and then pending [TL-GEN-11]', () => {
    const machine = createMachine()
    machine.open()
    machine.subscribe(3)
    machine.message({ id: 3, result: { type: 'started', ref: 1, n: 0 } })
    machine.feed({ type: 'lost', cause: { code: 'network', message: 'cut' } })
    machine.fire({ kind: 'retry' })
    machine.feed({ type: 'opened' })
    const overHttp = { ...hello, limits: { ...hello.limits, pollMs: 1_000 } }
    const resumed = machine.message({ id: 'hello', result: overHttp })
    expect(resumed.filter((each) => each.startsWith('gap'))).toEqual(['gap 3 not-resumable after null'])
    expect(machine.message(needsSocket(3))).toEqual(['pending'])
    expect(move(machine).filter((each) => each.startsWith('gap'))).toEqual([])
  })

  test('fails where there is never a socket', () => {
    const machine = createMachine(0, { mayUseSocket: false })
    machine.open({ limits: { frameBytes: 1_048_576, lifetimeMs: 7_200_000, pollMs: 1_000 } })
    machine.subscribe(3)
    machine.call(1)
    expect(machine.message(needsSocket(3), needsSocket(1))).toEqual(['fail 3 NEEDS_SOCKET', 'fail 1 NEEDS_SOCKET'])
  })
})
