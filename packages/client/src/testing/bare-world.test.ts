import { runInNewContext } from 'node:vm'
import { build } from 'esbuild'
import { beforeAll, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'

let code = ''
beforeAll(async () => {
  const { outputFiles } = await build({
    stdin: {
      contents: `
        import { overHttp } from '../http.ts'
        import { createClient, createConnection } from '../index.ts'
        const fallback = globalThis.httpUrl && overHttp(httpUrl)
        globalThis.connection = createConnection({ url, token: () => 'a token', ...(fallback && { fallback }) })
        globalThis.client = createClient({ connection: globalThis.connection })
      `,
      resolveDir: import.meta.dirname,
      loader: 'ts',
    },
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
    conditions: ['trunkline-source'],
  })
  code = outputFiles[0]?.text ?? ''
})

/** The globals that React Native, a service worker and a page share: no `window`, `document` or `navigator`. */
const common = {
  ...{ setTimeout, clearTimeout, queueMicrotask, URL, TextEncoder, TextDecoder, AbortController, AbortSignal },
  ...{ Event, MessageEvent, EventTarget, DOMException, console, btoa, crypto: globalThis.crypto },
}

const hello = {
  session: 's'.repeat(22),
  time: 1_800_000_000_000,
  limits: { frameBytes: 32_768, messageBytes: 131_072, idleMs: 600_000, lifetimeMs: 7_200_000 },
}

/** A class of the platform, with the platform's events. */
class PlatformSocket extends EventTarget {
  static readonly OPEN = 1
  readonly #socket: WebSocket
  constructor(url: string, protocols: string[]) {
    super()
    this.#socket = new WebSocket(url, protocols)
    this.#socket.on('open', () => this.dispatchEvent(new Event('open')))
    this.#socket.on('message', (data) => this.dispatchEvent(new MessageEvent('message', { data: String(data) })))
    this.#socket.on('close', (code, reason) =>
      this.dispatchEvent(Object.assign(new Event('close'), { code, reason: String(reason), wasClean: true })),
    )
    this.#socket.on('error', () => this.dispatchEvent(new Event('error')))
  }
  get readyState() {
    return this.#socket.readyState
  }
  send(text: string) {
    this.#socket.send(text)
  }
  close(code?: number, reason?: string) {
    this.#socket.close(code, reason)
  }
}

async function inWorld(globals: object): Promise<unknown> {
  const server = new WebSocketServer({ port: 0, handleProtocols: () => 'trunkline.1' })
  server.on('connection', (socket) =>
    socket.on('message', (text) => {
      const { id, method } = JSON.parse(String(text)) as { readonly id: unknown; readonly method: string }
      if (method === 'hello') socket.send(JSON.stringify({ id, result: { type: 'hello', ...hello } }))
      if (method === 'query') socket.send(JSON.stringify({ id, result: { type: 'data', data: 'answered' } }))
    }),
  )
  const { port } = server.address() as { readonly port: number }
  const world = { ...common, WebSocket: PlatformSocket, url: `ws://127.0.0.1:${port}`, ...globals } as Record<
    string,
    unknown
  >
  world['globalThis'] = world
  runInNewContext(code, world)
  const { client, connection } = world as {
    readonly client: { readonly anything: { query(): Promise<unknown> } }
    readonly connection: { close(): Promise<void> }
  }
  const answer = await client.anything.query()
  await connection.close()
  server.close()
  return answer
}

test('the client works without `window` and `document`, as in React Native', async () => {
  expect(await inWorld({ navigator: { product: 'ReactNative' } })).toBe('answered')
})
test('the client works in a service worker, which has `self` and no page', async () => {
  const self = new EventTarget()
  const addEventListener = self.addEventListener.bind(self)
  expect(await inWorld({ self, addEventListener, removeEventListener: self.removeEventListener.bind(self) })).toBe(
    'answered',
  )
})

test('over HTTP, the client needs `fetch` alone, also where there is no WebSocket', async () => {
  const methods: string[] = []
  const answer = async (_: string, { body, headers }: { readonly body: string; readonly headers: object }) => {
    const frames = JSON.parse(body) as readonly { readonly id: unknown; readonly method: string }[]
    methods.push(...frames.map(({ method }) => method))
    const limits = { ...hello.limits, pollMs: 1_000 }
    const results = frames.map(({ id, method }) => ({
      id,
      result: method === 'hello' ? { type: 'hello', ...hello, limits } : { type: 'data', data: 'answered' },
    }))
    expect(headers).toHaveProperty('Trunkline-Session')
    return new Response(JSON.stringify(results), {
      headers: { 'content-type': 'application/json', 'trunkline-connection': 'http-1' },
    })
  }
  const globals = { navigator: { product: 'ReactNative' }, WebSocket: undefined, fetch: answer, httpUrl: 'https://a' }
  expect(await inWorld(globals)).toBe('answered')
  expect(methods).toEqual(['hello', 'query', 'close'])
})
