import { defined } from '@trunkline/protocol'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { ConfigurationError } from '../session/machine/settings.ts'
import type { Failure } from '../session/machine/trunkline-error.ts'
import type { ConnectionOptions } from './connection-options.ts'
import { createConnection } from './create-connection.ts'
import type { SocketOptions } from './socket.ts'
import { transportOf } from './transport.ts'

const limits = { frameBytes: 32_768, messageBytes: 131_072, idleMs: 600_000, lifetimeMs: 7_200_000 }

/** A connection on a clock that moves only when the test moves it, with sockets that the test opens and loses. */
function start(options: Partial<ConnectionOptions> = {}) {
  const timers = new Set<{ readonly at: number; readonly fn: () => void }>()
  const sent: string[] = []
  let now = 0
  let admitted = 0
  let socket: SocketOptions | undefined
  const connection = createConnection(
    { url: 'wss://example.com', ...options },
    {
      now: () => now,
      random: () => 0.5,
      after(ms, fn) {
        const timer = { at: now + ms, fn }
        timers.add(timer)
        return () => timers.delete(timer)
      },
      createSocket(created) {
        socket = created
        return {
          admit() {
            admitted += 1
          },
          replace() {},
          send: (text) => sent.push(text) > 0,
          close() {},
        }
      },
    },
  )
  const transport = transportOf(connection)
  const failures: Failure[] = []
  return {
    connection,
    failures,
    /** The methods of the frames that were sent, or the path of a call. */
    sent: () => sent.map((text) => JSON.parse(text)).map(({ method, params }) => params?.path ?? method),
    admitted: () => admitted,
    advance(ms: number) {
      const end = now + ms
      for (;;) {
        const [next] = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)
        now = next?.at ?? end
        if (next === undefined) return
        timers.delete(next)
        next.fn()
      }
    },
    call: (path: string, input: unknown = null) =>
      transport.call(
        { method: 'query', path, input, timeoutMs: undefined },
        { answer() {}, fail: (failure) => failures.push(failure) },
      ),
    subscribe: () =>
      transport.subscribe(
        { path: 'live', input: null, givenInput: null, onGap: undefined },
        { started() {}, pending() {}, data() {}, state() {}, fail() {}, complete() {} },
      ),
    open() {
      socket?.onOpen()
      this.message({ id: 'hello-0', result: { type: 'hello', session: 's', time: 0, limits } })
    },
    message: (frame: object) => socket?.onMessage(JSON.stringify(frame)),
    lose: () => socket?.onLost({ code: 'server', message: 'The server is down.' }),
  }
}

describe('backoff', () => {
  test.each([
    [undefined, 300],
    [{}, 300],
    [{ minMs: 2_000 }, 6_000],
    [{ minMs: 2_000, maxMs: 3_000 }, 2_500],
  ])('%j: the first delay is %i ms', (backoff, ms) => {
    const line = start(defined({ backoff }))
    line.call('a')
    line.lose()
    expect(line.connection.state).toMatchObject({ status: 'reconnecting', retryAt: ms })
    line.advance(ms - 1)
    expect(line.admitted()).toBe(1)
    line.advance(1)
    expect(line.admitted()).toBe(2)
  })

  test.each([
    [{}, [300, 550, 1_050]],
    [{ factor: 4 }, [300, 1_050, 4_050]],
    [{ minMs: 200, factor: 1 }, [600, 600, 600]],
  ])('%j: the delays are %j', (backoff, delays) => {
    const line = start({ backoff })
    line.call('a')
    const found = delays.map(() => {
      line.lose()
      const { state } = line.connection
      return state.status === 'reconnecting' ? state.retryAt : undefined
    })
    expect(found).toEqual(delays)
  })
})

test.each([
  [undefined, 270_000],
  [60_000, 60_000],
])('keepaliveMs %s: the keepalive is sent after %i ms', (keepaliveMs, ms) => {
  const line = start(defined({ keepaliveMs }))
  line.call('a')
  line.open()
  line.advance(ms - 1)
  expect(line.sent()).toEqual(['hello', 'a'])
  line.advance(1)
  expect(line.sent()).toEqual(['hello', 'a', 'ping'])
})

test.each([
  [undefined, 15_000],
  [40_000, 40_000],
])('keepaliveTimeoutMs %s: a socket without an answer is replaced after %i ms', (keepaliveTimeoutMs, ms) => {
  const line = start(defined({ keepaliveTimeoutMs }))
  line.call('a')
  line.open()
  line.advance(270_000)
  line.advance(ms - 1)
  expect(line.connection.state.status).toBe('open')
  line.advance(1)
  expect(line.connection.state.status).toBe('reconnecting')
})

describe('outbox', () => {
  test.each([
    [undefined, 1_000],
    [{ maxMessages: 2 }, 2],
    [{ maxMessages: 0 }, 0],
  ])('%j: the call after %i fails, and the waiting calls are sent when the socket opens', (outbox, count) => {
    const line = start(defined({ outbox }))
    const paths = Array.from({ length: count }, (_, index) => `call-${index}`)
    for (const path of paths) line.call(path)
    expect(line.failures).toEqual([])
    line.call('too-much')
    expect(line.failures).toMatchObject([{ line: { code: 'OUTBOX_FULL', retry: 'later', mayHaveRun: false } }])
    line.open()
    expect(line.sent()).toEqual(['hello', ...paths])
    line.call('later')
    expect(line.failures).toHaveLength(1)
  })

  test('maxBytes: a call that does not fit fails, and a smaller one still waits', () => {
    const line = start({ outbox: { maxBytes: 300 } })
    line.call('a', 'x'.repeat(100))
    line.call('b', 'x'.repeat(200))
    expect(line.failures.map((failure) => failure.line?.message)).toEqual([
      '416 bytes would wait to be sent; outbox.maxBytes is 300. Retry when the connection is open.',
    ])
    line.call('c')
    line.open()
    expect(line.sent()).toEqual(['hello', 'a', 'c'])
  })
})

test.each([
  [undefined, 300, 600],
  [1_500, 1_500, 2_000],
  [5_000, 5_000, 5_000],
])(
  'gapWaitMs %s: a missing event is requested after %i ms, and %i ms after an empty answer',
  (gapWaitMs, ms, nextMs) => {
    const line = start(defined({ gapWaitMs }))
    line.subscribe()
    line.open()
    line.message({ id: 1, result: { type: 'started', ref: 1, from: 'e:0', head: 'e:0' } })
    line.message({ id: 1, result: { type: 'data', id: 'e:2', prev: 1, data: 2 } })
    line.advance(ms - 1)
    expect(line.sent()).toEqual(['hello', 'live'])
    line.advance(1)
    expect(line.sent()).toEqual(['hello', 'live', 'sync'])
    line.message({ id: 1, result: { type: 'synced', from: 'e:0', head: 'e:2' } })
    line.advance(nextMs - 1)
    expect(line.sent()).toEqual(['hello', 'live', 'sync'])
    line.advance(1)
    expect(line.sent()).toEqual(['hello', 'live', 'sync', 'sync'])
  },
)

describe('a number outside of its range', () => {
  test.each<[object, string]>([
    [{ backoff: { minMs: 0 } }, 'backoff.minMs: expected a number from 1 to 30000; got number 0.'],
    [{ backoff: { minMs: 5_000, maxMs: 4_000 } }, 'backoff.minMs: expected a number from 1 to 4000; got number 5000.'],
    [{ backoff: { maxMs: Number.NaN } }, 'backoff.maxMs: expected a number from 1 to 86400000; got number NaN.'],
    [{ backoff: { factor: 0.5 } }, 'backoff.factor: expected a number from 1 to 10; got number 0.5.'],
    [{ keepaliveMs: 600_000 }, 'keepaliveMs: expected a number from 1000 to 480000; got number 600000.'],
    [{ keepaliveMs: '60000' }, 'keepaliveMs: expected a number from 1000 to 480000; got string 60000.'],
    [{ keepaliveTimeoutMs: 10 }, 'keepaliveTimeoutMs: expected a number from 1000 to 60000; got number 10.'],
    [{ outbox: { maxMessages: -1 } }, 'outbox.maxMessages: expected a number from 0 to 1000000; got number -1.'],
    [
      { outbox: { maxBytes: {} } },
      'outbox.maxBytes: expected a number from 0 to 1000000000; got object [object Object].',
    ],
    [{ gapWaitMs: 0 }, 'gapWaitMs: expected a number from 1 to 60000; got number 0.'],
  ])('%j fails createConnection', (options, message) => {
    expect(() => start(options)).toThrow(new ConfigurationError(`${message} Correct this option of createConnection.`))
  })
})

describe('an option that does not exist', () => {
  test.each<[unknown, string]>([
    [{ url: '', tokn: () => 'ann' }, 'tokn: expected one of url,token,fallback,WebSocket,'],
    [{ url: '', backoff: { min: 5 } }, 'backoff.min: expected one of maxMs,minMs,factor; got min.'],
    [{ url: '', outbox: { messages: 5 } }, 'outbox.messages: expected one of maxMessages,maxBytes; got messages.'],
    ['wss://example.com', '0: expected one of url,'],
  ])('%j fails createConnection with the names that there are', (options, message) => {
    expect(() => createConnection(options as never)).toThrow(message)
  })
  test('is none of the names of the type', () => {
    const all: Required<ConnectionOptions> = {
      url: null,
      fallback: { createTransports: () => () => ({}) as never },
      token: () => null,
      WebSocket,
      timeoutMs: 1,
      maxMessageBytes: 1_048_576,
      backoff: {},
      keepaliveMs: 60_000,
      keepaliveTimeoutMs: 1_000,
      outbox: {},
      gapWaitMs: 1,
      traceparent: () => undefined,
      onProtocolError: () => {},
      onGap: () => {},
    }
    createConnection(all)
  })
})
