// One file over 200 lines: the simulated server, network and client share one state.

import type { ServerFrame } from '@trunkline/protocol'
import type { Effect } from '../session/machine/effects.ts'
import { type SessionInput, type Timer, timerName } from '../session/machine/events.ts'
import { initialState } from '../session/machine/state.ts'
import { step } from '../session/step.ts'

interface Line {
  /** Messages of the server in flight. */
  readonly inbox: object[][]
  /** The server's subscriptions of this socket, by id. */
  readonly live: Map<number, number>
  expired: boolean
}
interface CallText {
  readonly id: number
  readonly params: { readonly key?: string }
}
type Fed = SessionInput extends infer O
  ? O extends { readonly socket: number }
    ? Omit<O, 'socket'> & { readonly socket?: number }
    : O
  : never

const network = { code: 'network', message: 'cut' } as const

/**
 * One log, one server with the protocol of a log, one client with up to two sockets. Each message of the server may be
 * lost, duplicated or late, and frames of the client may be lost.
 */
export function createWorld(handlesGaps: boolean, startsWith: 'nothing' | 'a snapshot' = 'nothing') {
  const log = { epoch: 0, head: 0 }
  let state = initialState
  let now = 0
  let lastCall = 100
  let deaf = false // the next frame of the client is lost
  let busy = false // mutations stay PENDING
  let tokenAsked = false
  const lines = new Map<number, Line>()
  const made = new Set<number>()
  const connecting = new Set<number>()
  const timers = new Map<string, { readonly timer: Timer; readonly at: number }>()
  const seen: string[] = []
  const stored = new Set<string>()
  const record = {
    /** Ids of mutations, in the order of their effects. */
    effects: [] as number[],
    /** The frames of each mutation. */
    texts: new Map<number, string[]>(),
    settled: [] as number[],
    calls: [] as { readonly id: number; readonly keyed: boolean; readonly orderingKey: boolean }[],
    mostSockets: 0,
    mostAtRest: 0,
  }

  const cursor = (offset: number) => `e${log.epoch}:${offset}`
  const event = (id: number, offset: number) => ({ id, result: { type: 'data', id: cursor(offset), data: offset } })
  /** At most three events in an answer, so that the rest must be fetched. */
  const answer = (id: number, head: object, from: number) => {
    const last = Math.min(log.head, from + 3)
    const events = Array.from({ length: Math.max(0, last - from) }, (_, index) => event(id, from + 1 + index))
    return [{ id, result: { ...head, from: cursor(from), head: cursor(log.head) } }, ...events]
  }
  const begin = (id: number, type: 'started' | 'synced', ref: number, asked: string | undefined) => {
    if (asked === undefined) return beginAtHead(id, { type, ref })
    const [epoch, offset] = asked.split(':')
    if (epoch !== `e${log.epoch}`) return beginAtHead(id, { type, ref, gap: 'new-epoch' })
    return answer(id, { type, ref }, Number(offset))
  }
  const beginAtHead = (id: number, head: { readonly type: string; readonly ref: number; readonly gap?: string }) => {
    if (startsWith === 'nothing' || head.type === 'synced') return answer(id, head, log.head)
    const [first = {}, ...rest] = answer(id, { ...head, snapshot: true }, log.head)
    const at = cursor(log.head)
    return [first, { id, result: { type: 'snapshot', id: at, data: 'snapshot' } }, ...rest]
  }
  const failed = (id: number | string, code: string, retry: string) => [
    { id, error: {}, line: { code, retry, mayHaveRun: code === 'PENDING' } },
  ]

  function receive(line: Line, text: string): object[] {
    const { id, method, params } = JSON.parse(text)
    if (method === 'hello') {
      const limits = { frameBytes: 32_768, lifetimeMs: 7_200_000 }
      return [{ id, result: { type: 'hello', session: 's', time: now, limits, authExpires: now + 600_000 } }]
    }
    if (method === 'ping') return [{ pong: true }]
    if (method === 'subscription.stop') {
      line.live.delete(id)
      return [{ id, result: { type: 'stopped' } }]
    }
    if (method === 'auth') {
      line.expired = false
      return [{ id, result: { type: 'authorized', authExpires: now + 600_000 } }]
    }
    if (line.expired) return failed(id, 'AUTH_EXPIRED', 'after-auth')
    if (method === 'subscription') {
      line.live.set(id, params.ref)
      return begin(id, 'started', params.ref, params.lastEventId)
    }
    if (method === 'sync') {
      const [{ id: subscription, ref, from }] = params.subscriptions
      if (line.live.get(subscription) !== ref)
        return [...failed(subscription, 'CONNECTION_LOST', 'now'), { id, result: { type: 'data' } }]
      return [...begin(subscription, 'synced', ref, from), { id, result: { type: 'data' } }]
    }
    return mutate({ id, params })
  }
  function mutate({ id, params: { key } }: CallText): object[] {
    if (key === undefined || !stored.has(key)) record.effects.push(id)
    if (key !== undefined) stored.add(key)
    return busy && key !== undefined ? failed(id, 'PENDING', 'later') : [{ id, result: { type: 'data', data: key } }]
  }

  function perform(effect: Effect) {
    switch (effect.type) {
      case 'arm':
        return void timers.set(timerName(effect.timer), { timer: effect.timer, at: now + effect.ms })
      case 'cancel':
        return void timers.delete(timerName(effect.timer))
      case 'cancel-all':
        return timers.clear()
      case 'connect':
        made.add(effect.socket)
        return void connecting.add(effect.socket)
      case 'admit':
        return void connecting.add(effect.socket)
      case 'replace':
        connecting.delete(effect.socket)
        return void lines.delete(effect.socket)
      case 'drop':
        return drop(effect.socket)
      case 'disconnect':
        for (const socket of made) drop(socket)
        return
      case 'ask-token':
        tokenAsked = true
        return
      case 'send': {
        const call = effect.text.startsWith('{"id":1') && effect.text.includes('"mutation"')
        if (call) {
          const { id } = JSON.parse(effect.text) as CallText
          record.texts.set(id, [...(record.texts.get(id) ?? []), effect.text])
        }
        const line = lines.get(effect.socket)
        if (line !== undefined && !deaf) line.inbox.push(receive(line, effect.text))
        deaf = false
        return
      }
      case 'deliver':
        return void seen.push(`${effect.result.data === 'snapshot' ? 'snapshot ' : ''}${effect.result.id}`)
      case 'gap':
        return void seen.push('gap')
      case 'answer':
        return void record.settled.push(effect.id)
      case 'fail':
        if (effect.id === 1) seen.push(`fail ${effect.failure.line?.code}`)
        else record.settled.push(effect.id)
        return
      default:
        return // effects that this world does not observe
    }
  }
  function drop(socket: number): void {
    made.delete(socket)
    connecting.delete(socket)
    lines.delete(socket)
  }
  function feed(fed: Fed): void {
    const stepped = step(state, { socket: state.socket, ...fed, now, wall: now, chance: 0.5 } as Parameters<
      typeof step
    >[1])
    state = stepped.state
    for (const effect of stepped.effects) perform(effect)
    record.mostSockets = Math.max(record.mostSockets, made.size)
    if (state.handover === null) record.mostAtRest = Math.max(record.mostAtRest, made.size)
  }
  /** The n-th open line. */
  const lineAt = (n: number) => [...lines][n % (lines.size || 1)]

  const world = {
    log,
    seen,
    record,
    timers,
    sockets: made,
    get state() {
      return state
    },
    publish() {
      log.head += 1
      for (const line of lines.values()) {
        if (!line.expired) for (const id of line.live.keys()) line.inbox.push([event(id, log.head)])
      }
    },
    /** Restores the table, which begins another history. */
    restore() {
      log.epoch += 1
      log.head = 2
      world.publish()
    },
    expire() {
      for (const line of lines.values()) line.expired = true
    },
    deafen() {
      deaf = true
    },
    busy() {
      busy = !busy
    },
    mutate(keyed: boolean, orderingKey: boolean) {
      lastCall += 1
      const id = lastCall
      record.calls.push({ id, keyed, orderingKey })
      const text = JSON.stringify({ id, method: 'mutation', params: { path: 'a' } })
      const call = {
        id,
        method: 'mutation',
        text,
        bytes: 100,
        timeoutMs: 60_000,
        key: null,
        mayHaveRun: false,
        resends: keyed,
      } as const
      const nonce = keyed ? String(id).padEnd(22, '-') : null
      feed({ type: 'call', call: { ...call, nonce, ...(orderingKey ? { orderingKey: 'a' } : {}) } })
    },
    notice() {
      now += 20_000 // old enough for the client to follow a notice
      for (const line of lines.values()) line.inbox.push([{ id: null, method: 'reconnect' }])
    },
    cut(n: number) {
      const [socket] = lineAt(n) ?? []
      if (socket === undefined) return
      lines.delete(socket)
      feed({ type: 'lost', socket, cause: network })
    },
    connect(n: number, fails = false) {
      const socket = [...connecting][n % (connecting.size || 1)]
      if (socket === undefined) return
      connecting.delete(socket)
      if (fails) return feed({ type: 'lost', socket, cause: network })
      lines.set(socket, { inbox: [], live: new Map(), expired: false })
      feed({ type: 'opened', socket })
    },
    token(fails = false) {
      if (!tokenAsked) return
      tokenAsked = false
      feed(fails ? { type: 'token-failed' } : { type: 'token', token: 'fresh' })
    },
    /** Delivers a message in flight, loses it, or delivers it and keeps it in flight. */
    message(n: number, fate: 'deliver' | 'lose' | 'double') {
      const [socket, line] = lineAt(n) ?? []
      const at = n % (line?.inbox.length || 1)
      const frames = line?.inbox[at]
      if (frames === undefined || socket === undefined) return
      if (fate !== 'double') line?.inbox.splice(at, 1)
      if (fate !== 'lose') feed({ type: 'message', socket, frames: frames as unknown as ServerFrame[], size: 10 })
    },
    /** Fires the next timer. */
    tick(): void {
      const next = [...timers.values()].sort((a, b) => a.at - b.at)[0]
      if (next === undefined) return
      now = Math.max(now, next.at)
      timers.delete(timerName(next.timer))
      feed({ type: 'timer', timer: next.timer })
    },
    /** Ends all faults: everything arrives in order, for the time of two keepalives. */
    settle() {
      deaf = false
      busy = false
      const end = now + 700_000
      for (let ticks = 0; now < end && (connecting.size > 0 || timers.size > 0) && ticks < 2_000; ticks += 1) {
        world.connect(0)
        world.token()
        for (const [socket] of [...lines].reverse()) {
          const inbox = () => lines.get(socket)?.inbox ?? []
          while (inbox().length > 0)
            feed({ type: 'message', socket, frames: inbox().shift() as unknown as ServerFrame[], size: 10 })
        }
        world.tick()
      }
    },
    close() {
      feed({ type: 'close' })
      for (let ticks = 0; timers.size > 0 && ticks < 100; ticks += 1) world.tick()
    },
  }
  feed({ type: 'subscribe', subscription: { id: 1, path: 'live', input: null, handlesGaps } })
  return world
}
