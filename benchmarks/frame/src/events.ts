import { createTRPCClient, createWSClient, wsLink } from '@trpc/client'
import { initTRPC, tracked } from '@trpc/server'
import { createClient, createConnection } from '@trunkline/client'
import { compare, type Row } from './compare.ts'

const t = initTRPC.create()
const router = t.router({
  live: t.procedure.subscription(async function* () {
    yield tracked('e:1', { author: 'ann', text: 'hi' })
  }),
})

const hello = {
  ...{ type: 'hello', session: 's'.repeat(22), time: 1_800_000_000_000 },
  limits: { frameBytes: 32_768, messageBytes: 131_072, idleMs: 600_000, lifetimeMs: 7_200_000 },
}

const manySubscriptions = 200

/** A socket without a network. It answers what a client needs to subscribe, and dispatches what it is given. */
class MemorySocket extends EventTarget {
  static readonly CONNECTING = 0
  static readonly OPEN = 1
  static readonly CLOSING = 2
  static readonly CLOSED = 3
  static last: MemorySocket
  readonly OPEN = MemorySocket.OPEN // of the instance too, where tRPC's client reads it
  readonly protocol = 'trunkline.1'
  readyState = MemorySocket.CONNECTING
  id: unknown

  constructor() {
    super()
    MemorySocket.last = this
    setImmediate(() => {
      this.readyState = MemorySocket.OPEN
      this.dispatchEvent(new Event('open'))
    })
  }

  send(text: string): void {
    for (const { id, method, params } of [JSON.parse(text)].flat()) {
      if (method === 'hello') this.#answer(id, hello)
      if (method !== 'subscription') continue
      this.id = id
      this.#answer(id, { type: 'started', ref: params.ref, from: 'e:0', head: 'e:0' })
    }
  }

  receive(text: string): void {
    this.dispatchEvent(new MessageEvent('message', { data: text }))
  }

  close(): void {
    this.readyState = MemorySocket.CLOSED
    this.dispatchEvent(Object.assign(new Event('close'), { code: 1_000, reason: '', wasClean: true }))
  }

  #answer(id: unknown, result: unknown): void {
    setImmediate(() => this.receive(JSON.stringify({ id, result })))
  }
}

interface Receiver {
  readonly socket: MemorySocket
  /** Events that reached the callback. */
  count: number
}

/** An event from the socket through order and removal of duplicates to the callback, against the stock `wsLink`. */
export async function compareEvents(seconds: number): Promise<readonly Row[]> {
  const [stock, own, many] = [await subscribeStock(), await subscribeOwn(), await subscribeOwn(manySubscriptions)]
  const push = (receiver: Receiver) => {
    let offset = 0
    return async () => {
      offset += 1
      const id = `e:${offset}`
      const data = { id, data: { author: 'ann', text: 'hi' } }
      receiver.socket.receive(JSON.stringify({ id: receiver.socket.id, result: { type: 'data', id, data } }))
      if (receiver.count !== offset)
        throw new Error(`Expected ${offset} events in the callback, got ${receiver.count}.`)
    }
  }
  return compare(
    { name: 'an event in the stock client (`wsLink`)', run: push(stock) },
    [
      { name: 'an event in the client', run: push(own) },
      { name: `an event in the client, one of ${manySubscriptions} subscriptions`, run: push(many) },
    ],
    seconds,
  )
}

/** Subscribes, and counts the events that reach the callback. */
function receive(subscribe: (callbacks: { onStarted(): void; onData(): void }) => unknown): Promise<Receiver> {
  return new Promise((resolve) => {
    const receiver = { socket: MemorySocket.last, count: 0 }
    subscribe({
      onStarted: () => resolve(Object.assign(receiver, { socket: MemorySocket.last })),
      onData: () => {
        receiver.count += 1
      },
    })
  })
}

function subscribeStock(): Promise<Receiver> {
  const socket = createWSClient({ url: 'ws://memory', WebSocket: MemorySocket as never })
  const client = createTRPCClient<typeof router>({ links: [wsLink<typeof router>({ client: socket })] })
  return receive((callbacks) => client.live.subscribe(undefined, callbacks))
}

/** The last of `count` subscriptions receives the events. */
function subscribeOwn(count = 1): Promise<Receiver> {
  const connection = createConnection({ url: 'ws://memory', WebSocket: MemorySocket as never })
  const client = createClient<typeof router>({ connection })
  for (let n = 1; n < count; n++) client.live.subscribe(undefined, {})
  return receive((callbacks) => client.live.subscribe(undefined, callbacks))
}
