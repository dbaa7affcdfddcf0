import { createTRPCClient, createWSClient, TRPCClientError, wsLink } from '@trpc/client'
import type { Application } from '../../records/application.ts'
import { createGeneratorSubscriptions } from '../../records/generator-subscriptions.ts'
import { createLogSubscriptions } from '../../records/log-subscriptions.ts'
import { createStreamSubscriptions } from '../../records/stream-subscriptions.ts'
import type { Device, DeviceOptions } from './device.ts'
import { createWebSocketMaker } from './simulated-web-socket.ts'

const keepAliveMs = 60_000

/**
 * Creates a device with tRPC's own client, which neither orders nor deduplicates messages [LAW-STOCK-ORDER]. It only
 * subscribes and makes no calls. Its timers must be virtual.
 */
export function createStockDevice(options: DeviceOptions): Device {
  const { name, gateway, history } = options
  const { WebSocket, open } = createWebSocketMaker(gateway, name)
  const wsClient = createWSClient({
    url: 'wss://simulated.invalid',
    WebSocket,
    keepAlive: { enabled: true, intervalMs: keepAliveMs, pongTimeoutMs: 5_000 },
  })
  const client = createTRPCClient<Application>({ links: [wsLink({ client: wsClient })] })
  let isClosed = false
  const application = { ...options, client, isStock: true, codeOf, isClosed: () => isClosed }
  const logSubscriptions = createLogSubscriptions(application)
  const generatorSubscriptions = createGeneratorSubscriptions(application)
  const streams = createStreamSubscriptions(application)
  return {
    ...{ name, isStock: true, timers: 0 },
    get status() {
      return isClosed ? 'closed' : 'open'
    },
    get sockets() {
      return open.size
    },
    get isClosed() {
      return isClosed
    },
    ...logSubscriptions,
    ...generatorSubscriptions,
    ...streams,
    ...{ call: noCalls, ask: noCalls, silence: noCalls },
    subscribePresence() {
      throw new Error('A stock device does not support presence: use a device with our client.')
    },
    unsubscribePresence() {},
    updatePresence() {},
    signIn() {},
    setOnline() {},
    setAsleep() {},
    setClock() {},
    setProxy() {},
    cut() {
      for (const wire of [...open]) wire.break({ device: true, gateway: true })
    },
    close() {
      isClosed = true
      const { subscriptions, generatorSubscriptions: generators, streamSubscriptions } = history
      for (const each of subscriptions) if (each.device === name) logSubscriptions.stop(each)
      for (const each of generators) if (each.device === name) generatorSubscriptions.unsubscribeGenerator(each)
      for (const each of streamSubscriptions) if (each.device === name) streams.unwatch(each)
      void wsClient.close()
    },
  }
}

function noCalls(): never {
  throw new Error('A stock device makes no calls: use a device with our client.')
}

function codeOf(error: Error): string {
  const shape: unknown = error instanceof TRPCClientError ? error.data : undefined
  return (shape as { readonly code?: string } | undefined)?.code ?? 'PROCEDURE'
}
