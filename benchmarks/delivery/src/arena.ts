import { performance } from 'node:perf_hooks'
import type { Client, Publisher, Rival } from './contestant.ts'
import type { SubscriberHistory } from './history.ts'
import type { Options } from './options.ts'
import { startProxy, type TcpProxy } from './tcp-proxy.ts'

/** The clients of one run, each with its own proxy. */
export interface Arena {
  readonly subscribers: readonly { readonly proxy: TcpProxy; readonly history: SubscriberHistory }[]
  readonly publishers: readonly { readonly proxy: TcpProxy; readonly client: Publisher }[]
  /** The number of WebSocket and HTTP messages of all clients so far. */
  messages(): { readonly up: number; readonly down: number }
  close(): Promise<void>
}

/** Connects all clients of the run, one after another. */
export async function openArena(rival: Rival, options: Options): Promise<Arena> {
  const clients: { readonly proxy: TcpProxy; readonly client: Client }[] = []
  const enter = async <C extends Client>(connect: (port: number) => Promise<C>) => {
    const proxy = await startProxy(rival.port)
    const entered = { proxy, client: await connect(proxy.port) }
    clients.push(entered)
    return entered
  }
  const subscribers = []
  for (let number = 0; number < options.subscribers; number += 1) {
    const history: SubscriberHistory = { receipts: [], cuts: [], signals: [] }
    const { proxy } = await enter((port) => subscribe(rival, port, history))
    proxy.onAccept = (at) => {
      for (const cut of history.cuts) cut.backAt ??= at
    }
    subscribers.push({ proxy, history })
  }
  const publishers = []
  for (let number = 0; number < options.publishers; number += 1) {
    publishers.push(await enter((port) => rival.publisher(port)))
  }
  return {
    subscribers,
    publishers,
    messages() {
      const counts = clients.map(({ proxy }) => proxy.messages())
      return {
        up: counts.reduce((sum, { up }) => sum + up, 0),
        down: counts.reduce((sum, { down }) => sum + down, 0),
      }
    },
    async close() {
      for (const { client, proxy } of clients) {
        await client.close()
        await proxy.close()
      }
    },
  }
}

function subscribe(rival: Rival, port: number, { receipts, signals }: SubscriberHistory): Promise<Client> {
  return rival.subscribe(port, {
    onEvent: ({ publisher, n }) => void receipts.push({ publisher, n, at: performance.now() }),
    onSignal: (signal) => void signals.push(signal),
  })
}
