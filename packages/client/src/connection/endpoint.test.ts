import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { ConfigurationError } from '../session/machine/settings.ts'
import { trunklineError } from '../session/machine/trunkline-error.ts'
import { createClient } from '../trpc/create-client.ts'
import { createConnection } from './create-connection.ts'
import { resolveEndpoint } from './endpoint.ts'

const find = (options: object) =>
  resolveEndpoint(options as never, 'session-of-22-characters').catch((thrown: unknown) => thrown)

describe('the error for a wrong option names it, what was expected and what came', () => {
  test.each([
    [{ url: undefined }, 'url: expected a URL such as wss://…, or a function that returns one; got undefined.'],
    [{ url: '' }, 'got "".'],
    [{ url: '10.0.0.1:4400/dev' }, 'got "10.0.0.1:4400/dev".'],
    [{ url: '/dev' }, 'got "/dev".'],
    [{ url: () => 5 }, 'got number.'],
    [{ url: 'ftp://x' }, 'url: expected a URL such as wss://…, or a function that returns one; got "ftp://x".'],
    [{ url: 'wss://x:99999' }, 'url: expected a URL with a valid host and port; got "wss://x:99999".'],
    [{ url: 'wss://x:0' }, 'url: expected a port from 1 to 65535; got "wss://x:0".'],
    [{ url: 'wss://exa mple.com' }, 'expected a URL with a valid host and port'],
    [{ url: 'wss://[::1' }, 'expected a URL with a valid host and port'],
    [{ url: 'wss://' }, 'expected a URL with a valid host and port'],
    [{ url: async () => 'WSS://x:99999/dev' }, 'expected a URL with a valid host and port'],
    [
      { url: 'wss://x/dev#top' },
      'expected a URL without a fragment (#); got "wss://x/dev#top". Correct this option of createConnection.',
    ],
    [{ url: 'wss://x/dev#' }, 'without a fragment'],
    [{ url: 'ws://x', token: 'abc' }, 'token: expected a function that returns a string or null; got string.'],
    [{ url: 'ws://x', token: () => 5 }, 'got number.'],
  ])('%j', async (options, words) => {
    const thrown = await find(options)
    expect(thrown).toBeInstanceOf(ConfigurationError)
    expect((thrown as Error).message).toContain(words)
    expect((thrown as Error).message).not.toContain('abc')
  })
  test.each([
    ['WSS://Example.com/dev', 'wss://example.com/dev'],
    [' wss://example.com/dev\n', 'wss://example.com/dev'],
    ['https://example.com/dev', 'wss://example.com/dev'],
    ['HTTP://localhost:4400/dev', 'ws://localhost:4400/dev'],
    ['ws://[::1]:4400/dev?x=1', 'ws://[::1]:4400/dev?x=1'],
    ['ws://x', 'ws://x/'],
  ])('%j becomes the URL %s', async (url, address) => {
    expect(await find({ url })).toMatchObject({ url: address })
  })
  test.each([
    ['of 8,193 bytes', 't'.repeat(8_193), 'got 8193 bytes'],
    ['of 7,002 bytes in 3,501 characters', 'é'.repeat(3_501), 'got 7002 bytes'],
    ['that is empty', '', 'got 0 bytes'],
    ['with half a surrogate pair', 't\ud800', 'half of a surrogate pair'],
  ])('a token %s fails the attempt with the limit in the message [TL-LIM-9]', async (_, token, words) => {
    const thrown = await find({ url: 'ws://x', token: () => token })
    expect(thrown).toBeInstanceOf(ConfigurationError)
    expect((thrown as Error).message).toContain('Expected a token of 1 to 7000 bytes of well-formed Unicode')
    expect((thrown as Error).message).toContain(words)
  })
  test('a token of 7,000 bytes is offered [TL-LIM-9]', async () => {
    const found = await find({ url: 'ws://x', token: () => 't'.repeat(7_000) })
    expect(found).toMatchObject({ protocols: expect.arrayContaining([expect.stringMatching(/^token\.[\w-]{9334}$/)]) })
  })
  test('a function that fails is not a ConfigurationError, and its option is named', async () => {
    const thrown = await find({ url: 'ws://x', token: () => Promise.reject(new Error('login server down')) })
    expect(thrown).not.toBeInstanceOf(ConfigurationError)
    expect((thrown as Error).message).toBe('token() failed: login server down')
  })
})

test('a call on such a connection fails at once instead of waiting for the network', async () => {
  const connection = createConnection({ url: '/dev', WebSocket })
  const client = createClient<never>({ connection } as never) as unknown as { hello: { query(): Promise<unknown> } }
  const error: unknown = await client.hello.query().catch((thrown: unknown) => thrown)
  expect(trunklineError(error)).toMatchObject({ code: 'CLOSED', retry: 'never', mayHaveRun: false })
  expect((error as Error).message).not.toContain('refused')
  expect(connection.state).toMatchObject({
    status: 'closed',
    cause: { code: 'invalid-options', message: expect.stringContaining('"/dev"') },
  })
  await connection.close()
})
