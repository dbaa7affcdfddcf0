/** One connection of the server. */
export interface ServerSocket {
  /** Messages of the server in flight. */
  readonly inbox: object[][]
  /** The refs of its subscriptions, by id. */
  readonly live: Map<number, number>
  /** Whether its authorization has expired. */
  expired: boolean
}
interface CallFrame {
  readonly id: number
  readonly params: { readonly key?: string }
}
interface StartHead {
  readonly type: string
  readonly ref: number
  readonly gap?: string
}

/** A server with the protocol of one log. An answer has at most three events, so that the rest must be fetched. */
export class LogServer {
  readonly log = { epoch: 0, head: 0 }
  readonly sockets = new Map<number, ServerSocket>()
  /** The ids of mutations, in the order of their effects. */
  readonly effects: number[] = []
  /** Whether mutations with a key stay PENDING. */
  isBusy = false
  readonly #startsWith: 'nothing' | 'a snapshot'
  readonly #stored = new Set<string>()

  constructor(startsWith: 'nothing' | 'a snapshot') {
    this.#startsWith = startsWith
  }

  open(socket: number): void {
    this.sockets.set(socket, { inbox: [], live: new Map(), expired: false })
  }
  publish(): void {
    this.log.head += 1
    for (const { expired, live, inbox } of this.sockets.values())
      if (!expired) for (const id of live.keys()) inbox.push([this.#event(id, this.log.head)])
  }
  /** Restores the table, which begins another history. */
  restore(): void {
    this.log.epoch += 1
    this.log.head = 2
    this.publish()
  }
  expire(): void {
    for (const socket of this.sockets.values()) socket.expired = true
  }
  notify(frame: object): void {
    for (const { inbox } of this.sockets.values()) inbox.push([frame])
  }

  /** Handles a frame of the client, and puts the answer in flight. */
  receive(socket: ServerSocket, text: string, now: number): void {
    socket.inbox.push(this.#answer(socket, text, now))
  }

  #answer(socket: ServerSocket, text: string, now: number): object[] {
    const { id, method, params } = JSON.parse(text)
    const authExpires = now + 600_000
    if (method === 'hello') {
      const limits = { frameBytes: 32_768, lifetimeMs: 7_200_000 }
      return [{ id, result: { type: 'hello', session: 's', time: now, limits, authExpires } }]
    }
    if (method === 'ping') return [{ pong: true }]
    if (method === 'subscription.stop') {
      socket.live.delete(id)
      return [{ id, result: { type: 'stopped' } }]
    }
    if (method === 'auth') {
      socket.expired = false
      return [{ id, result: { type: 'authorized', authExpires } }]
    }
    if (socket.expired) return failed(id, 'AUTH_EXPIRED', 'after-auth')
    if (method === 'subscription') {
      socket.live.set(id, params.ref)
      return this.#begin(id, { type: 'started', ref: params.ref }, params.lastEventId)
    }
    return method === 'sync' ? this.#sync(socket, id, params.subscriptions[0]) : this.#mutate({ id, params })
  }
  #sync(socket: ServerSocket, syncId: string, asked: { id: number; ref: number; from: string }): object[] {
    const { id, ref, from } = asked
    const end = { id: syncId, result: { type: 'data' } }
    if (socket.live.get(id) !== ref) return [...failed(id, 'CONNECTION_LOST', 'now'), end]
    return [...this.#begin(id, { type: 'synced', ref }, from), end]
  }
  #mutate({ id, params: { key } }: CallFrame): object[] {
    if (key === undefined || !this.#stored.has(key)) this.effects.push(id)
    if (key !== undefined) this.#stored.add(key)
    if (this.isBusy && key !== undefined) return failed(id, 'PENDING', 'later')
    return [{ id, result: { type: 'data', data: key } }]
  }

  #begin(id: number, head: StartHead, from: string | undefined): object[] {
    if (from === undefined) return this.#beginAtHead(id, head)
    const [epoch, offset] = from.split(':')
    if (epoch !== `e${this.log.epoch}`) return this.#beginAtHead(id, { ...head, gap: 'new-epoch' })
    return this.#page(id, head, Number(offset))
  }
  #beginAtHead(id: number, head: StartHead): object[] {
    const { head: newest } = this.log
    if (this.#startsWith === 'nothing' || head.type === 'synced') return this.#page(id, head, newest)
    const [first = {}, ...rest] = this.#page(id, { ...head, snapshot: true }, newest)
    return [first, { id, result: { type: 'snapshot', id: this.#cursor(newest), data: 'snapshot' } }, ...rest]
  }
  #page(id: number, head: object, from: number): object[] {
    const last = Math.min(this.log.head, from + 3)
    const events = Array.from({ length: Math.max(0, last - from) }, (_, index) => this.#event(id, from + 1 + index))
    return [{ id, result: { ...head, from: this.#cursor(from), head: this.#cursor(this.log.head) } }, ...events]
  }
  #event(id: number, offset: number): object {
    return { id, result: { type: 'data', id: this.#cursor(offset), data: offset } }
  }
  #cursor(offset: number): string {
    return `e${this.log.epoch}:${offset}`
  }
}

function failed(id: number | string, code: string, retry: string): object[] {
  return [{ id, error: {}, line: { code, retry, mayHaveRun: code === 'PENDING' } }]
}
