// One file over 200 lines: all tests share one session with an authorization that expires.

import { describe, expect, test } from 'vitest'
import { createMachine } from '../../testing/session.suite.ts'

const expired = (id: number | string) => ({
  id,
  error: {},
  line: { code: 'AUTH_EXPIRED', retry: 'after-auth', mayHaveRun: false },
})
const authorized = (n: number, authExpires = 1_000_000) => ({
  id: `auth-${n}`,
  result: { type: 'authorized', authExpires },
})
const auth = (n: number, token = 'fresh') =>
  `send ${JSON.stringify({ id: `auth-${n}`, method: 'auth', params: { token } })}`

function begun(hello: object = { authExpires: 100_000 }) {
  const machine = createMachine(0.5)
  machine.open(hello)
  return machine
}

describe('authorization', () => {
  test.each([
    [0, 72_000],
    [0.5, 80_000],
    [1, 88_000],
  ])('is renewed after about 80 %% of its lifetime (chance %d)', (chance, ms) => {
    const machine = createMachine(chance)
    machine.open({ authExpires: 100_000 })
    expect(machine.timers.get('renew')).toBe(ms)
  })

  test('uses the clock of the server', () => {
    const machine = begun({ time: 5_000_000, authExpires: 5_100_000 })
    expect(machine.timers.get('renew')).toBe(80_000)
    machine.fire({ kind: 'renew' })
    machine.feed({ type: 'token', token: 'fresh' })
    machine.message(authorized(2, 5_200_000))
    expect(machine.timers.get('renew')).toBe(160_000)
  })

  test.each(['t'.repeat(8_193), '', 't\ud800', '\u0001'.repeat(6_000)])(
    'stays when a new token cannot be sent; the client reports why and asks for another token (%.5s) [TL-LIM-9]',
    (token) => {
      const machine = begun()
      machine.fire({ kind: 'renew' })
      expect(machine.feed({ type: 'token', token })).toEqual(['protocol-error'])
      expect(machine.state.status).toEqual({ status: 'open', transport: 'socket' })
      expect(machine.fire({ kind: 'renew' })).toEqual(['ask-token'])
      expect(machine.feed({ type: 'token', token: 'fresh' })).toEqual([auth(3)])
      expect(machine.message(authorized(3))).toEqual([])
    },
  )

  test('that expired drops the socket, with the limit of the token in the message [TL-LIM-9]', () => {
    const machine = begun()
    machine.fire({ kind: 'renew' })
    machine.wait(100_000)
    expect(machine.feed({ type: 'token', token: 't'.repeat(7_001) })).toEqual(['protocol-error', 'replace'])
    expect(machine.state.status).toMatchObject({
      status: 'reconnecting',
      cause: {
        message:
          'The authorization expired and could not be renewed: ' +
          'Expected a token of 1 to 7000 bytes of well-formed Unicode, got 7001 bytes.',
      },
    })
  })

  test('is renewed at most every 10 s', () => {
    expect(begun({ authExpires: 1_000 }).timers.get('renew')).toBe(10_000)
  })

  test('that came too soon for the server is renewed again when it says [TL-AUTH-5]', () => {
    const machine = begun()
    machine.fire({ kind: 'renew' })
    machine.feed({ type: 'token', token: 'fresh' })
    const line = { code: 'RATE_LIMITED', retry: 'later', retryAfterMs: 9_500, mayHaveRun: false }
    machine.message({ id: 'auth-2', error: {}, line })
    expect(machine.state.status).toEqual({ status: 'open', transport: 'socket' })
    expect(machine.timers.get('renew')).toBe(9_500)
  })

  test('is renewed again within 10 s only if it has expired since by the server’s time', () => {
    const machine = begun()
    machine.fire({ kind: 'renew' })
    machine.feed({ type: 'token', token: 'fresh' })
    machine.message(authorized(2, 5_000))
    machine.call(3, 'mutation', { resends: true })
    expect(machine.message(expired(3))).toEqual(['send mutation 3'])
    machine.wait(6_000)
    expect(machine.message(expired(3))).toEqual(['ask-token'])
  })

  test('is renewed on the open socket without affecting calls in flight, and then the logs are synced [TL-AUTH-3]', () => {
    const machine = begun()
    machine.subscribe(1)
    machine.message({ id: 1, result: { type: 'started', ref: 1, from: 'e:4', head: 'e:4' } })
    machine.call(2, 'mutation')
    expect(machine.fire({ kind: 'renew' })).toEqual(['ask-token'])
    expect(machine.call(3)).toEqual(['send query 3'])
    expect(machine.feed({ type: 'token', token: 'fresh' })).toEqual([auth(2)])
    expect(machine.message(authorized(2))).toEqual([
      'send {"id":"sync-3","method":"sync","params":{"subscriptions":[{"id":1,"ref":1,"from":"e:4"}]}}',
    ])
    expect(machine.state.status).toEqual({ status: 'open', transport: 'socket' })
    expect(machine.message({ id: 2, result: { type: 'data' } })).toEqual(['answer 2'])
  })

  test('a sync in progress is sent again after the renewal', () => {
    const machine = begun()
    machine.subscribe(1)
    machine.message({ id: 1, result: { type: 'started', ref: 1, from: 'e:4', head: 'e:4' } })
    machine.fire({ kind: 'ping' })
    expect(machine.message(expired('sync-2'))).toEqual(['ask-token'])
    machine.feed({ type: 'token', token: 'fresh' })
    expect(machine.message(authorized(3)).join()).toContain('sync-4')
  })

  test('a call that was refused with AUTH_EXPIRED is sent again, at most twice', () => {
    const machine = begun({})
    machine.call(1)
    machine.call(2)
    expect(machine.message(expired(1))).toEqual(['ask-token'])
    expect(machine.message(expired(2))).toEqual([])
    expect(machine.message(expired(1))).toEqual([]) // a duplicate
    machine.feed({ type: 'token', token: 'fresh' })
    expect(machine.message(authorized(2))).toEqual(['send query 1', 'send query 2'])
    expect(machine.message(expired(1))).toEqual(['send query 1']) // the second and last repeat
    expect(machine.message(expired(1))).toEqual(['fail 1 AUTH_EXPIRED'])
  })

  test('a call whose refusal arrives after the renewal is sent again at once', () => {
    const machine = begun({})
    machine.call(1)
    machine.call(2)
    machine.message(expired(1))
    machine.feed({ type: 'token', token: 'fresh' })
    machine.message(authorized(2))
    expect(machine.message(expired(2))).toEqual(['send query 2'])
  })

  test('a subscription that ended with AUTH_EXPIRED is sent again, at most twice', () => {
    const machine = begun({})
    const subscribed = (ref: number) =>
      `send ${JSON.stringify({ id: 1, method: 'subscription', params: { path: 'live', input: null, ref, lastEventId: 'e:4' } })}`
    machine.subscribe(1)
    machine.message({ id: 1, result: { type: 'started', ref: 1, from: 'e:4', head: 'e:4' } })
    expect(machine.message(expired(1))).toEqual(['ask-token'])
    machine.feed({ type: 'token', token: 'fresh' })
    expect(machine.message(authorized(2))).toEqual([subscribed(2)])
    expect(machine.message(expired(1))).toEqual([subscribed(3)]) // the second answer to the first frame
    expect(machine.message(expired(1))).toEqual(['fail 1 AUTH_EXPIRED'])
  })

  test('a null token closes the connection, and not as a refusal of the server', () => {
    const machine = begun()
    machine.call(1)
    machine.fire({ kind: 'renew' })
    expect(machine.feed({ type: 'token', token: null })).toEqual(['fail 1 CLOSED may have run', 'disconnect'])
    const cause = { code: 'closed-by-you', message: 'The application returned no token.' }
    expect(machine.state.status).toEqual({ status: 'closed', cause })
    expect([...machine.timers.keys()]).toEqual([])
  })

  test.each([
    ['in plain JSON', { message: 'no', data: { code: 'UNAUTHORIZED' } }],
    ['in the form of a transformer', '[{"message":1,"data":2},"no",{"code":3},"UNAUTHORIZED"]'],
  ])('a token that is refused %s closes the connection with the reason [TL-AUTH-4]', (_, error) => {
    const machine = begun()
    machine.fire({ kind: 'renew' })
    machine.feed({ type: 'token', token: 'stolen' })
    machine.message({ id: 'auth-2', error, refused: 'You are banned.' })
    const cause = { code: 'refused', message: 'You are banned.' }
    expect(machine.state.status).toEqual({ status: 'closed', cause })
    expect([...machine.timers.keys()]).toEqual([])
  })

  test('a token that an older server refuses without a reason also closes the connection', () => {
    const machine = begun()
    machine.fire({ kind: 'renew' })
    machine.feed({ type: 'token', token: 'stolen' })
    machine.message({ id: 'auth-2', error: { message: 'no', data: { code: 'UNAUTHORIZED' } } })
    expect(machine.state.status).toMatchObject({ status: 'closed', cause: { code: 'refused' } })
  })

  test('a refusal while the connection closes ends the closing', () => {
    const machine = begun()
    machine.call(1)
    machine.fire({ kind: 'renew' })
    machine.feed({ type: 'close' })
    expect(machine.feed({ type: 'token', token: null })).toEqual(['fail 1 CLOSED may have run', 'disconnect', 'closed'])
  })

  test.each([
    ['token() that throws', (machine: ReturnType<typeof begun>) => machine.feed({ type: 'token-failed' })],
    ['token() that hangs', (machine: ReturnType<typeof begun>) => machine.fire({ kind: 'auth' })],
    [
      'a function that failed',
      (machine: ReturnType<typeof begun>) => {
        machine.feed({ type: 'token', token: 'fresh' })
        return machine.message({
          id: `auth-${machine.state.serial}`,
          error: {},
          line: { code: 'FUNCTION_FAILED', retry: 'later', mayHaveRun: true },
        })
      },
    ],
  ])('%s is retried until the authorization has expired, then with another socket', (_, fail) => {
    const machine = begun()
    machine.call(1, 'query')
    machine.wait(80_000)
    machine.fire({ kind: 'renew' })
    expect(fail(machine)).toEqual([])
    expect(machine.timers.get('renew')).toBe(300)
    machine.fire({ kind: 'renew' })
    expect(fail(machine)).toEqual([])
    expect(machine.timers.get('renew')).toBe(550)
    machine.fire({ kind: 'renew' })
    machine.wait(20_000)
    expect(fail(machine)).toEqual(['replace'])
    expect(machine.state.status).toMatchObject({ status: 'reconnecting', cause: { code: 'server' } })
    machine.fire({ kind: 'retry' })
    expect(machine.open()).toEqual(['send query 1'])
  })

  test('without a `token` option, the authorization is renewed by another handshake', () => {
    const machine = begun()
    machine.wait(80_000)
    machine.call(1)
    machine.message(expired(1))
    expect(machine.feed({ type: 'token', token: undefined })).toEqual(['connect@2'])
    machine.feed({ type: 'opened', socket: 2 })
    const { serial } = machine.state
    const hello = { type: 'hello', session: 's', time: 0, limits: { frameBytes: 32_768, lifetimeMs: 7_200_000 } }
    expect(machine.messageOf(2, { id: `hello-${serial}`, result: hello })).toEqual(['drop@1', 'send query 1'])
  })

  test('a renewal ends with a lost socket', () => {
    const machine = begun()
    machine.fire({ kind: 'renew' })
    machine.feed({ type: 'lost', cause: { code: 'network', message: 'cut' } })
    expect(machine.feed({ type: 'token', token: 'fresh' })).toEqual([])
    machine.fire({ kind: 'retry' })
    machine.open({ authExpires: 100_000 })
    expect(machine.timers.get('renew')).toBe(80_000)
    expect(machine.message(authorized(2))).toEqual([])
  })
})

describe('a right that is taken away', () => {
  const forbidden = (id: number) => ({
    id,
    error: { message: 'You are no member of x.', code: -32_003, data: { code: 'FORBIDDEN', httpStatus: 403 } },
  })
  function following() {
    const machine = begun()
    for (const id of [1, 2]) {
      machine.subscribe(id)
      machine.message({ id, result: { type: 'started', ref: 1, from: 'e:4', head: 'e:4' } })
    }
    return machine
  }

  test('ends its subscription, which is neither synced nor subscribed to again [TL-RIGHT-6]', () => {
    const machine = following()
    machine.fire({ kind: 'renew' })
    machine.feed({ type: 'token', token: 'fresh' })
    const [failed, ...rest] = machine.message(forbidden(1), authorized(2))
    expect(failed).toBe('fail 1 procedure')
    expect(rest).toHaveLength(1)
    expect(rest[0]).toContain('"method":"sync","params":{"subscriptions":[{"id":2,')
    machine.feed({ type: 'lost', cause: { code: 'network', message: 'lost' } })
    const resumed = machine.open({ authExpires: 200_000 }).join()
    expect(resumed).toContain('{"id":2,"method":"subscription"')
    expect(resumed).not.toContain('{"id":1,"method":"subscription"')
  })

  test('ends a subscription whose sync or subscribe is refused, without a retry [TL-RIGHT-6]', () => {
    const machine = following()
    expect(machine.message(forbidden(1))).toEqual(['fail 1 procedure'])
    machine.subscribe(3)
    expect(machine.message(forbidden(3))).toEqual(['fail 3 procedure'])
    expect(machine.timers.has('started 1') || machine.timers.has('started 3')).toBe(false)
  })

  test('that cannot be checked is asked for again later [TL-RIGHT-2]', () => {
    const machine = following()
    const line = { code: 'FUNCTION_FAILED', retry: 'later', mayHaveRun: true }
    expect(machine.message({ id: 1, error: {}, line })).toEqual([])
    expect(machine.timers.has('started 1')).toBe(true)
  })
})
