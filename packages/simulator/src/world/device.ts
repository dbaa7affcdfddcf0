// One file over 200 lines: a device’s sockets, clock, client and application share its state.

import { createClient, createConnection, type Socket, type SocketOptions, trunklineError } from '@trunkline/client'
import type { FaultPlan } from '../kernel/fault-plan.ts'
import { HandlerFailure } from '../kernel/handler-failure.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { Random } from '../kernel/random.ts'
import type { Report } from '../kernel/report.ts'
import { type Application, formatToken, topicOf } from '../records/application.ts'
import { createGeneratorSubscriptions, type GeneratorActions } from '../records/generator-subscriptions.ts'
import type { CallPath, CallRecord, History, SubscriptionPath, SubscriptionRecord } from '../records/history.ts'
import { createPresenceSubscriptions, type PresenceActions } from '../records/presence-subscriptions.ts'
import type { PublishedLog } from '../records/published-log.ts'
import type { SimulatedGateway, Wire } from './gateway.ts'

/**
 * A simulated browser or phone: the production client over simulated sockets and timers, and the application that uses
 * it.
 */
export interface Device extends PresenceActions, GeneratorActions {
  readonly name: string
  /** The status of its connection. */
  readonly status: string
  /** True if it uses tRPC's own client. */
  readonly isStock: boolean
  readonly sockets: number
  readonly timers: number
  readonly isClosed: boolean
  readonly offline: boolean
  readonly asleep: boolean
  subscribe(path: SubscriptionPath, room: string): SubscriptionRecord
  stop(record: SubscriptionRecord): void
  call(path: CallPath, room: string, n: number, options?: CallChoice): void
  /** Disconnects or reconnects the network. */
  setOnline(online: boolean): void
  /** Suspends or resumes the device. */
  setAsleep(asleep: boolean): void
  /** Moves the wall clock forward, or back, by `ms`. */
  setClock(ms: number): void
  /** Cuts the sockets. */
  cut(): void
  close(): void
}

export interface CallChoice {
  readonly key?: 'auto' | 'none' | string
  readonly orderingKey?: string | undefined
  /** The number of additional characters of the call. A call above one frame is sent in chunks. */
  readonly pad?: number
}

export interface DeviceOptions {
  readonly name: string
  readonly plan: FaultPlan
  readonly kernel: Kernel
  readonly gateway: SimulatedGateway
  readonly random: Random
  readonly history: History
  readonly published: PublishedLog
  readonly report: Report
  readonly clockErrorMs: number
  /** Undefined for an anonymous device. */
  readonly principal: string | undefined
  readonly tokenLifeMs: () => number
}

const handshakeMs = 15_000
const longestPairMs = 120_000 // the maximum time of a hand-over: handshake, hello, resumes and calls

/** Creates a device with its client, which connects on first use. */
export function createDevice(options: DeviceOptions): Device {
  const { name, plan, kernel, gateway, random, history, published, report } = options
  const wires = new Set<Wire>()
  const stops = new Map<SubscriptionRecord, () => void>()
  let deferred: (() => void)[] = []
  let [timers, offline, asleep, isClosed] = [0, false, false, false]
  let [sleptMs, sleepsSince] = [0, 0]
  let { clockErrorMs } = options
  // engines differ: the monotonic clock continues or stops while the machine sleeps
  const clockSleeps = Number(name.slice(1)) % 2 === 0
  const deviceNow = () => (asleep ? sleepsSince : kernel.now) - sleptMs

  const onDevice = (fn: () => void) => (asleep ? void deferred.push(fn) : fn())
  function after(ms: number, fn: () => void): () => void {
    timers += 1
    let isOver = false
    const over = () => {
      if (!isOver) timers -= 1
      isOver = true
    }
    const cancel = kernel.after(ms, `timer ${name}`, () =>
      onDevice(() => {
        if (isOver) return
        over()
        fn()
      }),
    )
    return () => {
      over()
      cancel()
    }
  }

  /** Two sockets are allowed only during a hand-over, which has a time limit. */
  function watchPair(): void {
    if (wires.size < 2) return
    const pair = [...wires]
    const slept = sleptMs
    kernel.after(longestPairMs, `pair ${name}`, () => {
      if (asleep || sleptMs > slept || !pair.every((wire) => wires.has(wire))) return
      report.break('H14', `${name} kept two sockets for ${longestPairMs} ms`)
    })
  }

  function createSocket(socket: SocketOptions): Socket {
    let [admitted, closed, busy] = [false, false, false]
    let attempt = 0
    let wire: Wire | undefined
    let isOpen = false

    function abandon(): void {
      attempt += 1
      busy = false
      isOpen = false
      if (wire !== undefined) {
        wires.delete(wire)
        if (offline) wire.break({ device: false, gateway: false })
        wire.close()
      }
      wire = undefined
    }
    function lose(of: number, message: string, code?: number): void {
      if (of !== attempt || closed) return
      abandon()
      admitted = false
      socket.onLost({ code: code === undefined ? 'network' : 'server', message })
    }
    function next(): void {
      if (!admitted || busy || closed) return
      admitted = false
      busy = true
      const mine = ++attempt
      const cancel = after(handshakeMs, () => !isOpen && lose(mine, 'the handshake took too long'))
      const fail = () => {
        cancel()
        lose(mine, 'the attempt failed')
      }
      socket.endpoint().then(({ protocols }) => {
        if (mine !== attempt || closed) return cancel()
        if (offline) return void after(random.between(5, 500), fail)
        wire = gateway.connect(name, protocols, {
          opened: () =>
            onDevice(() => {
              cancel()
              if (mine !== attempt || closed) return
              isOpen = true
              socket.onOpen()
            }),
          message: (text) => onDevice(() => mine === attempt && !closed && socket.onMessage(text)),
          lost: (code, reason) =>
            onDevice(() => {
              cancel()
              lose(mine, reason, code)
            }),
        })
        wires.add(wire)
        watchPair()
        if (wires.size > 2) report.break('H14', `${name} has ${wires.size} sockets`)
      }, fail)
    }
    return {
      admit() {
        admitted = true
        next()
      },
      replace() {
        admitted = false
        abandon()
      },
      send: (text) => isOpen && wire?.send(text) === true,
      close() {
        closed = true
        abandon()
      },
    }
  }

  const { principal } = options
  const connection = createConnection(
    {
      url: 'wss://simulated.invalid',
      onGap: () => {},
      ...(principal === undefined
        ? {}
        : { token: () => formatToken(principal, kernel.now + Math.round(options.tokenLifeMs())) }),
    },
    {
      now: () => kernel.now + clockErrorMs,
      monotonic: () => (clockSleeps ? deviceNow() : kernel.now),
      after,
      random: () => random.next(),
      uncaught(error) {
        if (!(error instanceof HandlerFailure)) throw error
      },
      randomBytes: (count) => Uint8Array.from({ length: count }, () => random.int(256)),
      createSocket,
    },
  )
  const client = createClient<Application>({ connection })
  const presenceSubscriptions = createPresenceSubscriptions({ ...options, client, isClosed: () => isClosed })
  const generatorSubscriptions = createGeneratorSubscriptions({
    ...{ ...options, client, isStock: false, isClosed: () => isClosed },
    codeOf: (error) => trunklineError(error)?.code ?? 'PROCEDURE',
  })

  function subscribe(path: SubscriptionPath, room: string): SubscriptionRecord {
    const record: SubscriptionRecord = { device: name, path, room, isStock: false, entries: [], ended: undefined }
    const seen = () => published.of(topicOf(room)).length
    const recordEntry = (entry: SubscriptionRecord['entries'][number]) => {
      kernel.note(`${name} ${path} ${room} ${entry.kind} ${'id' in entry ? entry.id : ''}`)
      if (record.ended !== undefined)
        report.break('H12', `${name} ${path} ${room} received ${entry.kind} after its end`)
      record.entries.push(entry)
    }
    history.subscriptions.push(record)
    const subscription = client[path].subscribe(
      { room },
      {
        onStarted: () => recordEntry({ kind: 'started', seen: seen() }),
        onData: (given) => {
          const { id, data } = given as {
            readonly id: string
            readonly data: { readonly n: number; readonly state?: number }
          }
          const { n, state } = data
          recordEntry({ kind: 'data', seen: seen(), id, n, ...(state === undefined ? {} : { state }) })
          if (plan.strikes('F44')) throw new HandlerFailure()
        },
        onGap: ({ reason }) => recordEntry({ kind: 'gap', seen: seen(), reason }),
        onError: (error) => {
          const code = trunklineError(error)?.code ?? 'PROCEDURE'
          recordEntry({ kind: 'error', seen: seen(), code, message: error.message })
          record.ended = isClosed ? 'closed' : 'error'
        },
        onStopped: () => {
          record.ended ??= isClosed ? 'closed' : 'stopped'
        },
      },
    )
    stops.set(record, () => subscription.unsubscribe())
    return record
  }

  function call(path: CallPath, room: string, n: number, { key = 'auto', orderingKey, pad }: CallChoice = {}): void {
    const record: CallRecord = {
      ...{ device: name, path, room, n, key, orderingKey, at: kernel.now, deviceAt: deviceNow() },
      ...{ settledAt: undefined, deviceSettledAt: undefined, settled: 0, answer: undefined },
    }
    history.calls.push(record)
    const idempotencyKey = key === 'auto' ? undefined : key === 'none' ? (false as const) : key
    const chosen = {
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      ...(orderingKey === undefined ? {} : { orderingKey }),
    }
    const settle = (answer: NonNullable<CallRecord['answer']>) => {
      kernel.note(`${name} ${path} ${n} ${'error' in answer ? `failed ${answer.code ?? answer.error}` : 'answered'}`)
      record.settled += 1
      record.settledAt ??= kernel.now
      record.deviceSettledAt ??= deviceNow()
      record.answer = answer
    }
    const run =
      path === 'count'
        ? client.count.query({ room })
        : client[path].mutate({ room, n, ...(pad === undefined ? {} : { pad: 'x'.repeat(pad) }) }, chosen)
    run.then(
      (data: unknown) => settle({ data }),
      (error: unknown) => settle({ error: String((error as Error).message), code: trunklineError(error)?.code }),
    )
  }

  return {
    name,
    isStock: false,
    get status() {
      return connection.state.status
    },
    get sockets() {
      return wires.size
    },
    get timers() {
      return timers
    },
    get isClosed() {
      return isClosed
    },
    get offline() {
      return offline
    },
    get asleep() {
      return asleep
    },
    subscribe,
    stop(record) {
      if (record.ended !== undefined) return
      stops.get(record)?.()
      record.ended = 'stopped'
    },
    call,
    ...presenceSubscriptions,
    ...generatorSubscriptions,
    setOnline(online) {
      if (offline === !online) return
      offline = !online
      if (online) return connection.retryNow()
      const noticed = { device: random.chance(0.5), gateway: random.chance(0.5) }
      for (const wire of [...wires]) wire.break(noticed)
    },
    setAsleep(sleeps) {
      if (sleeps === asleep) return
      asleep = sleeps
      if (sleeps) {
        sleepsSince = kernel.now
        return
      }
      sleptMs += kernel.now - sleepsSince
      for (const fn of deferred.splice(0)) fn()
      deferred = []
    },
    setClock(ms) {
      clockErrorMs += ms
    },
    cut() {
      for (const wire of [...wires]) wire.break({ device: true, gateway: true })
    },
    close() {
      isClosed = true
      for (const record of history.subscriptions) if (record.device === name) record.ended ??= 'closed'
      for (const each of history.presenceSubscriptions) if (each.device === name) each.ended ??= 'closed'
      for (const each of history.generatorSubscriptions) if (each.device === name) each.ended ??= 'closed'
      void connection.close()
    },
  }
}
