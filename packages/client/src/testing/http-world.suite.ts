// One file over 200 lines: the clock, the network and the server of one world.

import type { ConnectionOptions } from '../connection/connection-options.ts'
import type { Connection } from '../connection/create-connection.ts'
import { createConnection } from '../connection/create-connection.ts'
import type { Socket, SocketOptions } from '../connection/socket.ts'
import { transportOf } from '../connection/transport.ts'
import { overHttp } from '../http/over-http.ts'
import type { Failure } from '../session/machine/trunkline-error.ts'

/** What becomes of one request. */
export type Fate =
  | 'ok'
  | 'lost' // the server does not get it
  | 'unanswered' // the server handles it, and its answer is lost
  | 'hangs' // the server does not get it, and nothing is reported
  | 'doubled' // the server gets it twice, and answers the second one
  | 'cut' // its answer ends in the middle
  | { readonly status: number; readonly body?: string; readonly headers?: Readonly<Record<string, string>> }

/** How a socket behaves. */
export type SocketFate = 'works' | 'blocked' | 'hangs' | 'mute' | 'cut after opening'

interface Sent {
  readonly at: number
  readonly headers: Headers
  readonly frames: readonly { readonly id?: unknown; readonly method: string; readonly params?: Params }[]
  readonly keepalive: boolean
}
interface Params {
  readonly path?: string
  readonly ref?: number
  readonly key?: string
  readonly lastEventId?: string
  readonly poll?: unknown
  readonly subscriptions?: readonly { readonly id: number; readonly ref: number; readonly from: string }[]
}

const latencyMs = 20
const socketLimits = { frameBytes: 32_768, messageBytes: 131_072, idleMs: 600_000, lifetimeMs: 7_200_000 }
const httpLimits = { ...socketLimits, frameBytes: 1_048_576, batchSize: 100, pollMs: 1_000, waitMs: 0 }

/** A client and a server with one log in virtual time, with a network between them that the test spoils. */
export class HttpWorld {
  readonly requests: Sent[] = []
  readonly connection: Connection
  /** What the subscription delivered and reported, in order. */
  readonly seen: string[] = []
  readonly states: string[] = []
  /** The effects of mutations, by their key or id. */
  readonly effects: string[] = []
  /** The most transports that were alive at the same time. */
  mostTransports = 0
  /** The most sockets among them. */
  mostSockets = 0
  /** The most requests that were out at the same time. */
  mostOut = 0
  head = 0
  now = 1_800_000_000_000
  /** What the server does with the next requests, and with all others. */
  readonly fates: Fate[] = []
  fateOf: (request: Sent, n: number) => Fate = () => 'ok'
  socketFate: SocketFate = 'blocked'
  helloMs = latencyMs
  /** For how long `hello` and `auth` give authority. */
  authMs: number | undefined
  /** Connections over HTTP that the server has, with the refs of their subscriptions. */
  readonly open = new Map<string, Map<number, number>>()
  readonly sockets = new Set<WorldSocket>()
  /** When sockets began to open. */
  readonly attempts: number[] = []
  readonly #timers = new Set<{ readonly at: number; readonly fn: () => void }>()
  #out = 0
  #opened = 0
  #seed = 7

  constructor(options: Partial<ConnectionOptions> = {}) {
    this.connection = createConnection(
      {
        url: 'wss://blocked.example',
        fallback: overHttp('https://http.example'),
        onGap: () => this.seen.push('gap'),
        ...options,
      },
      {
        now: () => this.now,
        random: () => this.random(),
        after: (ms, fn) => this.after(ms, fn),
        fetch: ((url: string, init: RequestInit) => this.#fetch(url, init)) as typeof fetch,
        createSocket: (socket) => new WorldSocket(this, socket),
      },
    )
    this.connection.subscribe((state) => this.states.push('transport' in state ? state.transport : state.status))
  }

  random(): number {
    this.#seed = (this.#seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return this.#seed / 2_147_483_648
  }
  after(ms: number, fn: () => void): () => void {
    const timer = { at: this.now + ms, fn }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }
  /** Passes time: fires the timers in order, and lets promises settle after each. */
  async pass(ms: number): Promise<void> {
    const end = this.now + ms
    await settle()
    for (;;) {
      const next = [...this.#timers].reduce<{ readonly at: number; readonly fn: () => void } | undefined>(
        (first, each) => (each.at <= end && (first === undefined || each.at < first.at) ? each : first),
        undefined,
      )
      if (next === undefined) break
      this.#timers.delete(next)
      this.now = Math.max(this.now, next.at)
      next.fn()
      await settle()
    }
    this.now = end
  }
  /** The machine sleeps: the timers that were due fire together when it wakes. */
  async sleep(ms: number): Promise<void> {
    this.now += ms
    await this.pass(0)
  }
  get timers(): number {
    return this.#timers.size
  }
  publish(): void {
    this.head += 1
    for (const socket of this.sockets) socket.push()
  }
  subscribe(): () => void {
    const onGap = () => this.seen.push('gap')
    return transportOf(this.connection).subscribe(
      { path: 'live', input: null, givenInput: null, onGap },
      {
        started: () => this.seen.push('started'),
        pending: ({ code }) => this.seen.push(`pending ${code}`),
        data: ({ id }) => this.seen.push(String(id)),
        state: () => {},
        fail: ({ line }) => this.seen.push(`fail ${line?.code}`),
        complete: () => this.seen.push('complete'),
      },
    )
  }
  /** Calls, and resolves with the answer or the code of the error. */
  call(method: 'query' | 'mutation', path = 'a', idempotencyKey?: string | false): Promise<unknown> {
    return new Promise((resolve) => {
      const fail = ({ line }: Failure) => resolve(`${line?.code}${line?.mayHaveRun ? ' may have run' : ''}`)
      transportOf(this.connection).call(
        { method, path, input: null, timeoutMs: 600_000, idempotencyKey },
        { answer: resolve, fail },
      )
    })
  }
  /** The frames of a method that reached the network, in order. */
  sent(method: string) {
    return this.requests.flatMap(({ frames, at }) =>
      frames.filter((each) => each.method === method).map((frame) => ({ ...frame, at })),
    )
  }
  /** The sockets that open or are open. */
  get liveSockets(): number {
    return [...this.sockets].filter((each) => each.isAlive).length
  }
  countTransports(): void {
    this.mostTransports = Math.max(this.mostTransports, this.open.size + this.liveSockets)
    this.mostSockets = Math.max(this.mostSockets, this.liveSockets)
  }

  #fetch(url: string, { headers, body, signal, keepalive = false }: RequestInit): Promise<Response> {
    if (url !== 'https://http.example/frames') throw new Error(`an unexpected address: ${url}`)
    const request = { at: this.now, headers: new Headers(headers), frames: JSON.parse(String(body)), keepalive }
    this.requests.push(request)
    const fate = this.fates.shift() ?? this.fateOf(request, this.requests.length)
    this.#out += 1
    this.mostOut = Math.max(this.mostOut, this.#out)
    return new Promise<Response>((resolve, reject) => {
      const end = (settle: () => void) => {
        this.#out -= 1
        settle()
      }
      signal?.addEventListener('abort', () => reject(new Error('aborted')))
      if (fate === 'hangs') return
      const isHello = request.frames.some(({ method }: { readonly method: string }) => method === 'hello')
      this.after((isHello ? this.helloMs : latencyMs) / 2, () => {
        const response = fate === 'lost' ? undefined : this.#respond(request, fate)
        this.after(latencyMs / 2, () =>
          end(() => (response === undefined ? reject(new TypeError('Failed to fetch')) : resolve(response))),
        )
      })
    })
  }

  #respond(request: Sent, fate: Exclude<Fate, 'lost' | 'hangs'>): Response | undefined {
    const headers: Record<string, string> = { 'content-type': 'application/json' }
    if (typeof fate === 'object')
      return new Response(fate.body ?? '', { status: fate.status, headers: { ...headers, ...fate.headers } })
    if (fate === 'doubled') this.#handle(request, {})
    const { status, body } = this.#handle(request, headers)
    if (fate === 'unanswered') return undefined
    return new Response(fate === 'cut' ? body.slice(0, -5) : body, { status, headers })
  }

  #handle(
    { frames, headers }: Sent,
    answer: Record<string, string>,
  ): { readonly status: number; readonly body: string } {
    let name = headers.get('trunkline-connection') ?? undefined
    if (name === undefined && frames.some(({ method }) => method === 'hello')) {
      this.#opened += 1
      name = `http-${this.#opened}`
      this.open.set(name, new Map())
      this.countTransports()
      answer['trunkline-connection'] = name
    }
    const live = this.open.get(name ?? '')
    if (name === undefined || live === undefined) return { status: 410, body: '{"reason":"unknown"}' }
    const body = frames.flatMap((frame) => {
      if (frame.method !== 'close') return this.answer(live, frame, 'http')
      this.open.delete(name)
      return []
    })
    return { status: 200, body: JSON.stringify(body) }
  }

  /** The server's answer to one frame, as in PROTOCOL.md. */
  answer(
    live: Map<number, number>,
    { id, method, params = {} }: Sent['frames'][number],
    via: 'http' | 'socket',
  ): object[] {
    const limits = via === 'http' ? httpLimits : socketLimits
    const authExpires = this.authMs && this.now + this.authMs
    if (method === 'hello')
      return [{ id, result: { type: 'hello', session: 's', time: this.now, limits, authExpires } }]
    if (method === 'auth') return [{ id, result: { type: 'authorized', authExpires } }]
    if (method === 'ping') return [{ pong: true }]
    if (method === 'query') return [{ id, result: { type: 'data', data: params.path } }]
    if (method === 'mutation') {
      const effect = params.key ?? `${id}`
      const isKnown = params.key !== undefined && this.effects.includes(effect)
      if (!isKnown) this.effects.push(effect)
      if (!isKnown && params.path === 'publish') this.publish()
      return [{ id, result: { type: 'data', data: params.path } }]
    }
    if (method === 'subscription.stop') {
      live.delete(id as number)
      return [{ id, result: { type: 'stopped' } }]
    }
    if (method === 'subscription') {
      live.set(id as number, params.ref ?? 1)
      const from = params.lastEventId === undefined ? this.head : Number(params.lastEventId.split(':')[1])
      return [this.#result(id, { type: 'started', ref: params.ref }, from), ...this.#events(id, from)]
    }
    return this.#sync(live, id, params, via)
  }

  #sync(
    live: Map<number, number>,
    syncId: unknown,
    { subscriptions = [], poll }: Params,
    via: 'http' | 'socket',
  ): object[] {
    const frames = subscriptions.flatMap(({ id, ref, from }) => {
      const at = Number(from.split(':')[1])
      if (live.get(id) !== ref)
        return [{ id, error: {}, line: { code: 'CONNECTION_LOST', retry: 'now', mayHaveRun: false } }]
      const isQuiet = via === 'http' && poll !== undefined && at === this.head
      return isQuiet ? [] : [this.#result(id, { type: 'synced' }, at), ...this.#events(id, at)]
    })
    const { nextMs: last } = Object(poll)
    const nextMs = frames.length > 0 || last === undefined ? 1_000 : Math.min(15_000, last * 1.5)
    const data = via === 'http' ? { nextMs, more: [], verified: this.now } : undefined
    return [...frames, { id: syncId, result: { type: 'data', data } }]
  }

  #result(id: unknown, result: object, from: number): object {
    return { id, result: { ...result, from: `e:${from}`, head: `e:${this.head}` } }
  }
  #events(id: unknown, from: number): object[] {
    return Array.from({ length: this.head - from }, (_, at) => ({
      id,
      result: { type: 'data', id: `e:${from + at + 1}`, data: from + at + 1 },
    }))
  }
}

/** A socket of the world. It behaves as the world says at each attempt. */
class WorldSocket implements Socket {
  readonly #world: HttpWorld
  readonly #options: SocketOptions
  readonly #live = new Map<number, number>()
  #attempt = 0
  isAlive = false
  #isOpen = false

  constructor(world: HttpWorld, options: SocketOptions) {
    this.#world = world
    this.#options = options
    world.sockets.add(this)
  }
  admit(): void {
    this.#attempt += 1
    const attempt = this.#attempt
    const { socketFate } = this.#world
    this.#world.attempts.push(this.#world.now)
    this.isAlive = true
    this.#world.countTransports()
    const soon = (ms: number, fn: () => void) => this.#world.after(ms, () => attempt === this.#attempt && fn())
    void this.#options.endpoint().then(() => {
      if (socketFate === 'hangs') soon(15_000, () => this.lose())
      else if (socketFate === 'blocked') soon(latencyMs, () => this.lose())
      else
        soon(latencyMs, () => {
          this.#isOpen = socketFate !== 'mute'
          if (socketFate === 'cut after opening') soon(5, () => this.lose())
          this.#options.onOpen()
        })
    })
  }
  replace(): void {
    this.#end()
  }
  close(): void {
    this.#end()
    this.#world.sockets.delete(this)
  }
  send(text: string): boolean {
    if (!this.#isOpen) return true
    const attempt = this.#attempt
    const frames = [JSON.parse(text)].flat()
    this.#world.after(latencyMs, () => {
      if (attempt !== this.#attempt) return
      for (const frame of frames) this.#receive(this.#world.answer(this.#live, frame, 'socket'))
    })
    return true
  }
  push(): void {
    for (const id of this.#live.keys())
      this.#receive([{ id, result: { type: 'data', id: `e:${this.#world.head}`, data: this.#world.head } }])
  }
  lose(): void {
    this.#end()
    this.#options.onLost({ code: 'network', message: 'cut' })
  }
  #receive(frames: object[]): void {
    const attempt = this.#attempt
    this.#world.after(latencyMs, () => attempt === this.#attempt && this.#options.onMessage(JSON.stringify(frames)))
  }
  #end(): void {
    this.#attempt += 1
    this.isAlive = false
    this.#isOpen = false
    this.#live.clear()
  }
}

/** Lets promises settle. Each transport needs a few turns of the queue of microtasks. */
async function settle(): Promise<void> {
  for (let n = 0; n < 30; n += 1) await Promise.resolve()
}
