// One file over 200 lines: all tests share one session that signs in.

import { describe, expect, test } from 'vitest'
import { createMachine } from '../../testing/session.suite.ts'

const network = { code: 'network', message: 'cut' } as const
const started = (ref: number, from = 'e:4', id = 1) => ({ id, result: { type: 'started', ref, from, head: from } })
const event = (at: string, id = 1) => ({ id, result: { type: 'data', id: at, data: at } })
const answer = (id: number) => ({ id, result: { type: 'data' } })
const subscribed = (ref: number, lastEventId?: string, id = 1) =>
  `send ${JSON.stringify({ id, method: 'subscription', params: { path: 'live', input: null, ref, ...(lastEventId ? { lastEventId } : {}) } })}`
const keyed = { resends: true, key: 'own.k', text: '{"params":{}}' }

/** A session with a live log on an open socket. Sign-ins have the ids 10, 20 and so on; calls after one are 11 to 19. */
function live(hello: object = {}) {
  const machine = createMachine()
  machine.open(hello)
  machine.subscribe(1)
  machine.message(started(1))
  return {
    ...machine,
    get state() {
      return machine.state
    },
    signIn: (id = 10) => machine.feed({ type: 'sign-in', id }),
    greet(socket: number, hello: object = {}) {
      machine.feed({ type: 'opened', socket })
      const limits = { frameBytes: 32_768, lifetimeMs: 7_200_000 }
      const result = { type: 'hello', session: 's', time: 0, limits, ...hello }
      return machine.messageOf(socket, { id: `hello-${machine.state.serial}`, result })
    },
  }
}

describe('a sign-in', () => {
  test('opens a second socket with a new session at once, on a socket of any age [TL-SIGN-1]', () => {
    const machine = live()
    expect(machine.signIn()).toEqual(['renew-session', 'connect@2'])
    expect(machine.state.status).toEqual({ status: 'open', transport: 'socket' })
    expect(machine.message(event('e:5'))).toEqual(['deliver 1 e:5']) // the first one is still in use
  })

  test('closes the first socket with the hello of the second, and subscriptions resume there [TL-SIGN-1]', () => {
    const machine = live()
    machine.signIn()
    machine.message(event('e:5'))
    expect(machine.greet(2)).toEqual(['drop@1', 'answer 10', subscribed(2, 'e:5')])
    expect(machine.messageOf(1, event('e:6'))).toEqual([]) // of the identity before
    expect(machine.message(started(2, 'e:5'), event('e:6'))).toEqual(['deliver 1 e:6'])
    expect(machine.state).toMatchObject({ handover: null, socket: 2, signIns: [], status: { status: 'open' } })
    expect([...machine.timers.keys()].filter((name) => name === 'drain')).toEqual([])
  })

  test('waits for the calls from before it, and then opens the socket [TL-SIGN-2]', () => {
    const machine = live()
    machine.call(2, 'mutation', keyed)
    machine.call(3)
    expect(machine.signIn()).toEqual(['renew-session'])
    expect(machine.message(answer(2))).toEqual(['answer 2'])
    expect(machine.message(answer(3))).toEqual(['answer 3', 'connect@2'])
  })

  test('asks for a pending mutation again on its own connection, so that it settles [TL-SIGN-2]', () => {
    const machine = live()
    machine.call(2, 'mutation', keyed)
    machine.signIn()
    machine.message({
      id: 2,
      error: {},
      line: { code: 'PENDING', retry: 'later', retryAfterMs: 500, mayHaveRun: true },
    })
    expect(machine.fire({ kind: 'resend', id: 2 })).toEqual(['send {"params":{,"key":"own.k","resend":true}}'])
    expect(machine.message(answer(2))).toEqual(['answer 2', 'connect@2'])
  })

  test('fails after 5 s what has no answer, and sends none of it again [TL-SIGN-2]', () => {
    const machine = live()
    machine.call(2, 'mutation', keyed)
    machine.call(3)
    machine.signIn()
    expect(machine.timers.get('close')).toBe(5_000)
    expect(machine.fire({ kind: 'close' })).toEqual([
      'fail 2 CLOSED may have run',
      'fail 3 CLOSED may have run',
      'connect@2',
    ])
    expect(machine.greet(2)).toEqual(['drop@1', 'answer 10', subscribed(2, 'e:4')])
    expect(machine.message(answer(2))).toEqual([]) // late
  })

  test('fails the calls that were not sent at once, as not run [TL-SIGN-2]', () => {
    const machine = live()
    machine.call(2, 'mutation', { ...keyed, orderingKey: 'a' })
    machine.call(3, 'mutation', { ...keyed, orderingKey: 'a' })
    expect(machine.signIn()).toEqual(['renew-session', 'fail 3 CLOSED'])
    expect(machine.message(answer(2))).toEqual(['answer 2', 'connect@2'])
  })

  test('keeps calls and subscriptions that are made after it for the new connection [TL-SIGN-2]', () => {
    const machine = live()
    machine.call(2)
    machine.signIn()
    expect(machine.call(11)).toEqual([])
    expect(machine.call(12, 'mutation', { ...keyed, orderingKey: 'a' })).toEqual([])
    expect(machine.subscribe(13)).toEqual([])
    expect(machine.message(answer(2))).toEqual(['answer 2', 'connect@2'])
    expect(machine.greet(2)).toEqual([
      'drop@1',
      'answer 10',
      subscribed(2, 'e:4'),
      subscribed(1, undefined, 13),
      'send query 11',
      'send {"params":{,"key":"own.k"}}',
    ])
  })

  test.each([
    [
      'from an idle connection',
      (machine: ReturnType<typeof createMachine>) => machine.feed({ type: 'sign-in', id: 10 }),
    ],
    [
      'after a refusal',
      (machine: ReturnType<typeof createMachine>) => {
        machine.open()
        machine.feed({ type: 'lost', cause: { code: 'invalid-options', message: 'No.' } })
        expect(machine.state.phase).toBe('refused')
        return machine.feed({ type: 'sign-in', id: 10 })
      },
    ],
  ])('connects %s', (_, signIn) => {
    const machine = createMachine()
    expect(signIn(machine).filter((effect) => effect !== 'disconnect')).toEqual(['renew-session', 'connect'])
    expect(machine.state.status).toEqual({ status: 'connecting' })
    expect(machine.open()).toEqual(['answer 10'])
  })

  test('while the device is offline fails the calls that wait, and is done when it is back [TL-SIGN-2]', () => {
    const machine = live()
    machine.call(2, 'mutation', keyed)
    machine.feed({ type: 'lost', cause: { code: 'offline', message: 'The network is offline.' } })
    expect(machine.signIn()).toEqual(['renew-session', 'fail 2 CLOSED may have run', 'disconnect', 'connect'])
    machine.call(11)
    machine.feed({ type: 'lost', cause: network })
    expect(machine.state.status).toMatchObject({ status: 'reconnecting' })
    machine.fire({ kind: 'retry' })
    expect(machine.greet(2)).toEqual(['answer 10', subscribed(2, 'e:4'), 'send query 11'])
  })

  test.each([false, true])(
    'replaces a socket that is connecting, whose token is an old one (greeting: %s)',
    (greeting) => {
      const machine = createMachine()
      machine.call(2)
      if (greeting) machine.feed({ type: 'opened' })
      expect(machine.feed({ type: 'sign-in', id: 10 })).toEqual([
        'renew-session',
        'fail 2 CLOSED',
        'disconnect',
        'connect',
      ])
      expect(machine.feed({ type: 'opened', socket: 1 })).toEqual([])
      expect(machine.state.socket).toBe(2)
    },
  )

  test.each([1, 2])('that loses socket %i fails the calls from before it, and connects again [TL-SIGN-2]', (socket) => {
    const machine = live()
    machine.call(2, 'mutation', keyed)
    machine.signIn()
    if (socket === 2) machine.fire({ kind: 'close' })
    machine.call(11)
    const lost = machine.feed({ type: 'lost', socket, cause: network })
    expect(lost).toEqual(socket === 1 ? ['fail 2 CLOSED may have run'] : ['replace', 'drop@2'])
    machine.fire({ kind: 'retry' })
    machine.feed({ type: 'opened' })
    expect(machine.state.phase).toBe('greeting')
    const hello = { type: 'hello', session: 's', time: 0, limits: { frameBytes: 32_768, lifetimeMs: 7_200_000 } }
    const greeted = machine.message({ id: `hello-${machine.state.serial}`, result: hello })
    expect(greeted).toEqual(['answer 10', subscribed(2, 'e:4'), 'send query 11'])
  })

  test('again while one is in progress is one sign-in, with the last token [TL-SIGN-1]', () => {
    const machine = live()
    machine.signIn(10)
    machine.call(11)
    expect(machine.signIn(20)).toEqual(['renew-session', 'fail 11 CLOSED', 'drop@2', 'connect@3'])
    machine.call(21)
    expect(machine.greet(3)).toEqual(['drop@1', 'answer 10', 'answer 20', subscribed(2, 'e:4'), 'send query 21'])
  })

  test('while a hand-over opens its socket takes another one, since that has an old token [TL-SIGN-1]', () => {
    const machine = live()
    machine.fire({ kind: 'handover' })
    machine.wait(60_000)
    const before = machine.feed({ type: 'timer', timer: { kind: 'handover' } })
    expect(before).toEqual(['connect@2'])
    expect(machine.signIn()).toEqual(['renew-session', 'drop@2', 'connect@3'])
    expect(machine.greet(3)).toEqual(['drop@1', 'answer 10', subscribed(2, 'e:4')])
  })

  test('while a hand-over drains waits for the calls of both sockets, and has never three sockets', () => {
    const machine = live()
    machine.call(2)
    machine.wait(60_000)
    machine.message({ id: null, method: 'reconnect' })
    machine.greet(2)
    machine.call(3)
    expect(machine.signIn()).toEqual(['renew-session'])
    expect(machine.message(answer(3))).toEqual(['answer 3'])
    expect(machine.messageOf(1, answer(2))).toEqual(['answer 2', 'drop@1', 'connect@3'])
  })

  test('while a hand-over waits for its subscriptions does not wait for them', () => {
    const machine = live()
    machine.wait(60_000)
    machine.message({ id: null, method: 'reconnect' })
    machine.greet(2)
    expect(machine.signIn()).toEqual(['renew-session', 'drop@1', 'connect@3'])
  })

  test('that is refused closes both sockets with the reason, and another one may pass [TL-SIGN-3]', () => {
    const machine = live()
    machine.signIn()
    machine.call(11)
    const refused = machine.greet(2, { refused: 'Your trial has ended.' })
    expect(refused).toEqual(['fail 10 CLOSED', 'fail 11 CLOSED', 'fail 1 CLOSED', 'disconnect'])
    expect(machine.state.status).toEqual({
      status: 'closed',
      cause: { code: 'refused', message: 'Your trial has ended.' },
    })
    expect(machine.signIn(20)).toEqual(['renew-session', 'disconnect', 'connect'])
    expect(machine.state.socket).toBe(3)
  })

  test('fails when the application closes or restarts the connection meanwhile', () => {
    const closed = live()
    closed.signIn()
    const effects = closed.feed({ type: 'close' })
    expect(effects).toEqual(['drop@2', 'complete 1', 'fail 10 CLOSED may have run', 'disconnect', 'closed'])
    const restarted = live()
    restarted.signIn()
    expect(restarted.feed({ type: 'restart' })).toContain('fail 10 CLOSED may have run')
  })

  test('fails when the connection is closed', () => {
    const machine = live()
    machine.feed({ type: 'close' })
    expect(machine.signIn()).toEqual(['fail 10 CLOSED'])
  })

  test('sends no token on the old connection, whose principal it may not be [TL-SIGN-1]', () => {
    const machine = live({ authExpires: 100_000 })
    machine.call(2)
    machine.fire({ kind: 'renew' }) // the application is asked
    machine.signIn()
    expect(machine.feed({ type: 'token', token: 'bob' })).toEqual([])
    expect(machine.feed({ type: 'token-failed' })).toEqual([])
    expect(
      machine.message({ id: 2, error: {}, line: { code: 'AUTH_EXPIRED', retry: 'after-auth', mayHaveRun: false } }),
    ).toEqual([])
    expect(machine.fire({ kind: 'close' })).toEqual(['fail 2 CLOSED', 'connect@2'])
    expect(machine.greet(2, { authExpires: 200_000 })).toContain('answer 10')
    expect(machine.timers.has('renew')).toBe(true)
  })

  test('does not take the answer to a token that was sent before it for a refusal', () => {
    const machine = live({ authExpires: 100_000 })
    machine.fire({ kind: 'renew' })
    machine.feed({ type: 'token', token: 'bob' })
    machine.signIn()
    const refused = { id: `auth-${machine.state.serial}`, error: {}, refused: 'another principal' }
    machine.message(refused)
    expect(machine.state.phase).toBe('open')
  })

  test('still fetches missing events and answers keepalives on the old connection', () => {
    const machine = live()
    machine.call(2)
    machine.signIn()
    expect(machine.feed({ type: 'wake' })).toEqual([expect.stringContaining('"method":"sync"')])
  })

  const kicked = (rest: object = {}) => ({ id: null, method: 'kicked', params: { reason: 'spam', time: 0, ...rest } })

  test.each([1, 2])('fails with the reason when a kick comes meanwhile, on socket %i [TL-KICK-5]', (socket) => {
    const machine = live()
    machine.signIn()
    expect(machine.messageOf(socket, kicked())).toEqual(['fail 10 CLOSED', 'fail 1 CLOSED', 'disconnect'])
    expect(machine.state.status).toMatchObject({ status: 'closed', cause: { code: 'kicked', message: 'spam' } })
  })

  test('after a kick connects at once, also during the ban: it may be another principal [TL-KICK-5]', () => {
    const machine = live()
    machine.message(kicked({ until: 65_000 }))
    expect(machine.timers.has('retry')).toBe(true)
    expect(machine.signIn()).toEqual(['renew-session', 'disconnect', 'connect'])
    expect(machine.timers.has('retry')).toBe(false)
    expect(machine.greet(2)).toEqual(['answer 10', subscribed(2, 'e:4')])
  })
})
