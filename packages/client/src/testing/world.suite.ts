// One file over 200 lines: the faults and the effects of the client change one state.

import { defined, type ServerFrame } from '@trunkline/protocol'
import type { Effect } from '../session/machine/effects.ts'
import { type SessionInput, type Timer, timerName } from '../session/machine/events.ts'
import { initialState } from '../session/machine/state.ts'
import { step } from '../session/step.ts'
import { LogServer, type ServerSocket } from './log-server.suite.ts'

type Fed = SessionInput extends infer O
  ? O extends { readonly socket: number }
    ? Omit<O, 'socket'> & { readonly socket?: number }
    : O
  : never

const network = { code: 'network', message: 'cut' } as const

/**
 * One server with one log, and one client with up to two sockets. Each message of the server may be lost, duplicated or
 * late, and frames of the client may be lost.
 */
export class World {
  /** What the subscription delivered and reported, in order. */
  readonly seen: string[] = []
  readonly timers = new Map<string, { readonly timer: Timer; readonly at: number }>()
  /** The client's sockets that are not closed. */
  readonly sockets = new Set<number>()
  readonly record: WorldRecord
  readonly #server: LogServer
  readonly #connecting = new Set<number>()
  #state = initialState
  #now = 0
  #lastCall = 100
  #losesNextFrame = false
  #awaitsToken = false

  constructor(handlesGaps: boolean, startsWith: 'nothing' | 'a snapshot' = 'nothing') {
    this.#server = new LogServer(startsWith)
    const { effects } = this.#server
    this.record = { effects, texts: new Map(), settled: [], calls: [], mostSockets: 0, mostAtRest: 0 }
    this.#feed({ type: 'subscribe', subscription: { id: 1, path: 'live', input: null, handlesGaps } })
  }

  get log() {
    return this.#server.log
  }
  publish(): void {
    this.#server.publish()
  }
  restore(): void {
    this.#server.restore()
  }
  expire(): void {
    this.#server.expire()
  }
  busy(): void {
    this.#server.isBusy = !this.#server.isBusy
  }
  /** Sends the notice `reconnect`. */
  notice(): void {
    this.#now += 20_000 // old enough for the client to follow a notice
    this.#server.notify({ id: null, method: 'reconnect' })
  }
  /** Loses the next frame of the client. */
  loseNext(): void {
    this.#losesNextFrame = true
  }
  mutate(keyed: boolean, orderingKey: boolean): void {
    this.#lastCall += 1
    const id = this.#lastCall
    this.record.calls.push({ id, keyed, orderingKey })
    const call = {
      id,
      method: 'mutation',
      text: JSON.stringify({ id, method: 'mutation', params: { path: 'a' } }),
      bytes: 100,
      timeoutMs: 60_000,
      key: null,
      nonce: keyed ? String(id).padEnd(22, '-') : null,
      mayHaveRun: false,
      resends: keyed,
      ...defined({ orderingKey: orderingKey ? 'a' : undefined }),
    } as const
    this.#feed({ type: 'call', call })
  }
  cut(n: number): void {
    const [socket] = this.#socketAt(n)
    if (socket === undefined) return
    this.#server.sockets.delete(socket)
    this.#feed({ type: 'lost', socket, cause: network })
  }
  connect(n: number, fails = false) {
    const socket = [...this.#connecting][n % (this.#connecting.size || 1)]
    if (socket === undefined) return
    this.#connecting.delete(socket)
    if (fails) return this.#feed({ type: 'lost', socket, cause: network })
    this.#server.open(socket)
    this.#feed({ type: 'opened', socket })
  }
  token(fails = false): void {
    if (!this.#awaitsToken) return
    this.#awaitsToken = false
    this.#feed(fails ? { type: 'token-failed' } : { type: 'token', token: 'fresh' })
  }
  /** Delivers a message in flight, loses it, or delivers it and keeps it in flight. */
  message(n: number, fate: 'deliver' | 'lose' | 'double'): void {
    const [socket, line] = this.#socketAt(n)
    const at = n % (line?.inbox.length || 1)
    const frames = line?.inbox[at]
    if (frames === undefined || socket === undefined) return
    if (fate !== 'double') line?.inbox.splice(at, 1)
    if (fate !== 'lose') this.#deliver(socket, frames)
  }
  /** Fires the next timer. */
  tick(): void {
    const [next] = [...this.timers.values()].sort((a, b) => a.at - b.at)
    if (next === undefined) return
    this.#now = Math.max(this.#now, next.at)
    this.timers.delete(timerName(next.timer))
    this.#feed({ type: 'timer', timer: next.timer })
  }
  /** Ends all faults: everything arrives in order, for the time of two keepalives. */
  settle(): void {
    this.#losesNextFrame = false
    this.#server.isBusy = false
    const end = this.#now + 700_000
    const isActive = () => this.#now < end && (this.#connecting.size > 0 || this.timers.size > 0)
    for (let ticks = 0; isActive() && ticks < 2_000; ticks += 1) {
      this.connect(0)
      this.token()
      for (const [socket] of [...this.#server.sockets].reverse()) this.#deliverAll(socket)
      this.tick()
    }
  }
  close(): void {
    this.#feed({ type: 'close' })
    for (let ticks = 0; this.timers.size > 0 && ticks < 100; ticks += 1) this.tick()
  }

  #deliverAll(socket: number): void {
    const inbox = () => this.#server.sockets.get(socket)?.inbox ?? []
    for (let frames = inbox().shift(); frames !== undefined; frames = inbox().shift()) this.#deliver(socket, frames)
  }
  #deliver(socket: number, frames: object[]): void {
    this.#feed({ type: 'message', socket, frames: frames as unknown as ServerFrame[], size: 10 })
  }
  #feed(fed: Fed): void {
    const input = { socket: this.#state.socket, ...fed } as SessionInput // the socket in use, unless `fed` names another
    const stepped = step(this.#state, { ...input, now: this.#now, wall: this.#now, chance: 0.5 })
    this.#state = stepped.state
    for (const effect of stepped.effects) this.#perform(effect)
    const { record, sockets } = this
    record.mostSockets = Math.max(record.mostSockets, sockets.size)
    if (this.#state.handover === null) record.mostAtRest = Math.max(record.mostAtRest, sockets.size)
  }
  #perform(effect: Effect) {
    switch (effect.type) {
      case 'arm':
        return void this.timers.set(timerName(effect.timer), { timer: effect.timer, at: this.#now + effect.ms })
      case 'cancel':
        return void this.timers.delete(timerName(effect.timer))
      case 'cancel-all':
        return this.timers.clear()
      case 'connect':
        this.sockets.add(effect.socket)
        return void this.#connecting.add(effect.socket)
      case 'admit':
        return void this.#connecting.add(effect.socket)
      case 'replace':
        this.#connecting.delete(effect.socket)
        return void this.#server.sockets.delete(effect.socket)
      case 'drop':
        return this.#drop(effect.socket)
      case 'disconnect':
        for (const socket of this.sockets) this.#drop(socket)
        return
      case 'ask-token':
        this.#awaitsToken = true
        return
      case 'send':
        return this.#send(effect.socket, effect.text)
      default:
        return this.#observe(effect)
    }
  }
  #send(to: number, text: string): void {
    const { id, method } = JSON.parse(text)
    if (method === 'mutation') this.record.texts.set(id, [...(this.record.texts.get(id) ?? []), text])
    const socket = this.#server.sockets.get(to)
    if (socket !== undefined && !this.#losesNextFrame) this.#server.receive(socket, text, this.#now)
    this.#losesNextFrame = false
  }
  /** Records an effect that is for the application. */
  #observe(effect: Effect): void {
    if (effect.type === 'deliver')
      this.seen.push(`${effect.result.data === 'snapshot' ? 'snapshot ' : ''}${effect.result.id}`)
    if (effect.type === 'gap') this.seen.push('gap')
    if (effect.type === 'answer') this.record.settled.push(effect.id)
    if (effect.type !== 'fail') return
    if (effect.id === 1) this.seen.push(`fail ${effect.failure.line?.code}`)
    else this.record.settled.push(effect.id)
  }
  #drop(socket: number): void {
    this.sockets.delete(socket)
    this.#connecting.delete(socket)
    this.#server.sockets.delete(socket)
  }
  /** The n-th open socket with its number. */
  #socketAt(n: number): readonly [number, ServerSocket] | readonly [] {
    const { sockets } = this.#server
    return [...sockets][n % (sockets.size || 1)] ?? []
  }
}

interface WorldRecord {
  /** The ids of mutations, in the order of their effects. */
  readonly effects: readonly number[]
  /** The frames of each mutation. */
  readonly texts: Map<number, string[]>
  /** The ids of the calls that were answered or failed. */
  readonly settled: number[]
  readonly calls: { readonly id: number; readonly keyed: boolean; readonly orderingKey: boolean }[]
  mostSockets: number
  /** The most sockets outside of a hand-over. */
  mostAtRest: number
}
