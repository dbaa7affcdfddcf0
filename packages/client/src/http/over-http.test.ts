import { describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { ConfigurationError } from '../session/machine/settings.ts'
import { HttpWorld } from '../testing/http-world.suite.ts'
import { overHttp } from './over-http.ts'

describe('overHttp', () => {
  test.each(['', 'wss://a.example', 'a.example/frames', 'https://', 7])(
    'throws for the address %j, and says what it expects',
    (url) => {
      expect(() => overHttp(url as string)).toThrow(ConfigurationError)
      expect(() => overHttp(url as string)).toThrow(/expected a URL such as https/)
    },
  )

  test.each([
    ['https://http.example', 'https://http.example/frames'],
    ['https://http.example/dev/', 'https://http.example/dev/frames'],
    ['https://http.example/dev/frames?tenant=a', 'https://http.example/dev/frames?tenant=a'],
    ['https://http.example/#part', 'https://http.example/frames'],
  ])('%s: frames are posted to %s', async (given, posted) => {
    const fetch = vi.fn(() => new Promise<Response>(() => {}))
    const world = new HttpWorld({ url: null, fallback: overHttp(async () => given, { fetch }) })
    void world.call('query')
    await world.pass(10)
    expect(fetch).toHaveBeenCalledWith(posted, expect.objectContaining({ method: 'POST' }))
  })

  test('a function that returns a wrong address is tried again, as a server that is down', async () => {
    const world = new HttpWorld({ url: null, fallback: overHttp(() => 'nonsense') })
    void world.call('query')
    await world.pass(10_000)
    expect(world.connection.state).toMatchObject({
      status: 'reconnecting',
      cause: { message: expect.stringContaining('overHttp') },
    })
  })

  test('without any address, the connection is closed and says which option to correct', async () => {
    const { createConnection } = await import('../connection/create-connection.ts')
    const { transportOf } = await import('../connection/transport.ts')
    const connection = createConnection({ url: null, WebSocket })
    const closed = new Promise((resolve) =>
      connection.subscribe((state) => state.status === 'closed' && resolve(state)),
    )
    transportOf(connection).call(
      { method: 'query', path: 'a', input: 1, timeoutMs: undefined },
      { answer() {}, fail() {} },
    )
    expect(await closed).toMatchObject({ cause: { code: 'invalid-options', message: expect.stringContaining('url') } })
  })
})
