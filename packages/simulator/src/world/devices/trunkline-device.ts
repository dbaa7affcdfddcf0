import { createClient, createConnection, trunklineError } from '@trunkline/client'
import { overHttp } from '@trunkline/client/http'
import { mergePartitions } from '@trunkline/client/partitions'
import { HandlerFailure } from '../../kernel/handler-failure.ts'
import { type Application, formatToken } from '../../records/application.ts'
import { createCalls } from '../../records/calls.ts'
import { createGeneratorSubscriptions } from '../../records/generator-subscriptions.ts'
import { createLogSubscriptions } from '../../records/log-subscriptions.ts'
import { createPresenceSubscriptions } from '../../records/presence-subscriptions.ts'
import { createStreamCalls, createStreamSubscriptions } from '../../records/stream-subscriptions.ts'
import type { Device, DeviceOptions } from './device.ts'
import { DeviceClock } from './device-clock.ts'
import { DeviceNetwork } from './device-network.ts'
import { SimulatedSocket } from './simulated-socket.ts'

/** Creates a device with our client, which connects on first use. */
export function createTrunklineDevice(options: DeviceOptions): Device {
  const { name, history } = options
  const clock = new DeviceClock(options)
  const network = new DeviceNetwork(options, clock)
  if (options.transport === 'http') network.setProxy(options.random.pick(['blocks', 'hangs', 'mutes']))
  let { principal } = options
  const connection = connect(options, { clock, network, principal: () => principal })
  const client = createClient<Application>({ connection })
  const merging = createClient<Application>({ connection, links: [mergePartitions()] })
  watchMoves(options, connection)
  let isClosed = false
  const application = {
    ...{ ...options, client, merging, isStock: false, isClosed: () => isClosed },
    codeOf: (error: Error) => trunklineError(error)?.code ?? 'PROCEDURE',
  }
  return {
    name,
    isStock: false,
    get status() {
      return connection.state.status
    },
    get sockets() {
      return network.sockets
    },
    get timers() {
      return clock.timers
    },
    get isClosed() {
      return isClosed
    },
    ...createLogSubscriptions(application),
    ...createPresenceSubscriptions(application),
    ...createGeneratorSubscriptions(application),
    ...createStreamSubscriptions(application),
    ...createStreamCalls(application),
    call: createCalls({ ...application, deviceNow: () => clock.awakeTime(), principal: () => principal }),
    signIn(next) {
      principal = next
      connection.signIn().then(undefined, () => {}) // the device was closed meanwhile
    },
    setOnline(isOnline) {
      if (network.setOnline(isOnline) && isOnline) connection.retryNow()
    },
    setAsleep: (isAsleep) => clock.setAsleep(isAsleep),
    setClock: (ms) => clock.moveWallClock(ms),
    cut: () => network.cut(),
    setProxy(mode) {
      if (options.transport === 'both') network.setProxy(mode)
    },
    close() {
      isClosed = true
      const { subscriptions, presenceSubscriptions, generatorSubscriptions, streamSubscriptions } = history
      const others = [...generatorSubscriptions, ...streamSubscriptions]
      for (const record of [...subscriptions, ...presenceSubscriptions, ...others])
        if (record.device === name) record.ended ??= 'closed'
      void connection.close()
    },
  }
}

interface Parts {
  readonly clock: DeviceClock
  readonly network: DeviceNetwork
  readonly principal: () => string | undefined
}

function connect(options: DeviceOptions, { clock, network, principal }: Parts) {
  const { kernel, random, tokenLifeMs, transport } = options
  const fallback = overHttp('https://simulated.invalid', { fetch: network.fetch })
  const token = () => {
    const name = principal()
    return name === undefined ? null : formatToken(name, kernel.now + Math.round(tokenLifeMs()), rightsNow(options))
  }
  return createConnection(
    { url: 'wss://simulated.invalid', onGap: () => {}, token, ...(transport !== 'socket' && { fallback }) },
    {
      now: () => clock.wallTime(),
      monotonic: () => clock.monotonicTime(),
      after: (ms, fn) => clock.after(ms, fn),
      random: () => random.next(),
      uncaught(error) {
        const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error]
        if (errors.some((each) => !(each instanceof HandlerFailure))) throw error
      },
      randomBytes: (count) => Uint8Array.from({ length: count }, () => random.int(256)),
      createSocket: (socket) => new SimulatedSocket(socket, network, clock),
    },
  )
}

/** The rooms of a device's next token. F54 takes some away; a later token may have them again. */
function rightsNow({ plan, guarded }: DeviceOptions): readonly string[] | undefined {
  const strike = guarded && plan.strikes('F54')
  return strike === undefined ? guarded : guarded?.filter(() => strike.chance(0.6))
}

const betweenMovesMs = 60_000

/**
 * A session moves to a socket at most once a minute while its connection over HTTP works, and never back before the
 * socket is lost (H21). It may move at any time when its transport is lost.
 */
function watchMoves({ name, kernel, report }: DeviceOptions, connection: ReturnType<typeof createConnection>): void {
  let [transport, movedAt] = ['', Number.NEGATIVE_INFINITY]
  connection.subscribe((state) => {
    if (state.status !== 'open') {
      transport = ''
      return
    }
    if (transport !== '' && state.transport !== transport) {
      if (kernel.now - movedAt < betweenMovesMs)
        report.break('H21', `${name} moved to ${state.transport} ${kernel.now - movedAt} ms after a move`)
      kernel.note(`${name} moved to ${state.transport}`)
      movedAt = kernel.now
    }
    transport = state.transport
  })
}
