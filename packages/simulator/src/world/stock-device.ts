import { createTRPCClient, createWSClient, TRPCClientError, wsLink } from '@trpc/client'
import { type Application, topicOf } from '../records/application.ts'
import { createGeneratorSubscriptions } from '../records/generator-subscriptions.ts'
import type { SubscriptionPath, SubscriptionRecord } from '../records/history.ts'
import type { Device, DeviceOptions } from './device.ts'
import { createWebSocketMaker } from './simulated-web-socket.ts'

const keepAliveMs = 60_000

/**
 * Creates a device with tRPC's own client, which neither orders nor deduplicates messages [LAW-STOCK-ORDER]. It only
 * subscribes and makes no calls. Its timers must be virtual.
 */
export function createStockDevice(options: DeviceOptions): Device {
  const { name, kernel, gateway, history, published, report } = options
  const { WebSocket, open } = createWebSocketMaker(gateway, name)
  const stops = new Map<SubscriptionRecord, () => void>()
  const wsClient = createWSClient({
    url: 'wss://simulated.invalid',
    WebSocket,
    keepAlive: { enabled: true, intervalMs: keepAliveMs, pongTimeoutMs: 5_000 },
  })
  const client = createTRPCClient<Application>({ links: [wsLink({ client: wsClient })] })
  let isClosed = false
  const generatorSubscriptions = createGeneratorSubscriptions({
    ...options,
    client,
    isStock: true,
    codeOf,
    isClosed: () => isClosed,
  })

  function subscribe(path: SubscriptionPath, room: string): SubscriptionRecord {
    const record: SubscriptionRecord = { device: name, path, room, isStock: true, entries: [], ended: undefined }
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
          recordEntry({ kind: 'data', seen: seen(), id, ...data })
        },
        onError: (error) => {
          recordEntry({ kind: 'error', seen: seen(), code: codeOf(error), message: error.message })
          record.ended = 'error'
        },
        onComplete: () => {
          record.ended ??= 'stopped'
        },
      },
    )
    stops.set(record, () => subscription.unsubscribe())
    return record
  }

  return {
    ...{ name, isStock: true, timers: 0, offline: false, asleep: false, subscribe },
    get status() {
      return isClosed ? 'closed' : 'open'
    },
    get sockets() {
      return open.size
    },
    get isClosed() {
      return isClosed
    },
    stop(record) {
      if (record.ended !== undefined) return
      record.ended = 'stopped'
      stops.get(record)?.()
    },
    call() {
      throw new Error('A stock device makes no calls: use a device with our client.')
    },
    subscribePresence() {
      throw new Error('A stock device does not support presence: use a device with our client.')
    },
    unsubscribePresence() {},
    updatePresence() {},
    ...generatorSubscriptions,
    setOnline() {},
    setAsleep() {},
    setClock() {},
    cut() {
      for (const wire of [...open]) wire.break({ device: true, gateway: true })
    },
    close() {
      isClosed = true
      for (const [record, stop] of stops) {
        record.ended ??= 'closed'
        stop()
      }
      for (const each of history.generatorSubscriptions)
        if (each.device === name) generatorSubscriptions.unsubscribeGenerator(each)
      void wsClient.close()
    },
  }
}

function codeOf(error: Error): string {
  const shape: unknown = error instanceof TRPCClientError ? error.data : undefined
  return (shape as { readonly code?: string } | undefined)?.code ?? 'PROCEDURE'
}
