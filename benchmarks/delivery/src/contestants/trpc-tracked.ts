import { EventEmitter, on } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { initTRPC, tracked } from '@trpc/server'
import * as z from 'zod'
import { type Contestant, type Event, type Rival, sharedReconnect } from '../contestant.ts'
import { connectTrpc, eventSchema, serveTrpc } from './trpc-server.ts'

/**
 * tRPC's own adapter with `tracked`, and a replay written by hand, which its documentation leaves to the application.
 */
export const trpcTracked: Contestant = {
  id: 'trpc-tracked',
  name: "tRPC's `ws` adapter, `tracked` and a replay by hand",
  documents: [
    'https://trpc.io/docs/server/subscriptions#tracked', // the listener is added before the store is read
    'https://github.com/trpc/examples-next-sse-chat', // events of the replay are skipped in the live events
  ],
  reconnect: sharedReconnect,
  start,
}

/** A row of the application's database, numbered from 1. The database is in memory and asynchronous. */
interface Row {
  readonly id: number
  readonly event: Event
}

function createRouter(rows: Row[]) {
  const t = initTRPC.create()
  const emitter = new EventEmitter().setMaxListeners(0)
  const readAfter = async (id: number) => {
    await setImmediate()
    return rows.slice(id)
  }
  return t.router({
    publish: t.procedure.input(eventSchema).mutation(({ input }) => {
      const row: Row = { id: rows.length + 1, event: input }
      rows.push(row)
      emitter.emit('add', row)
    }),
    live: t.procedure.input(z.object({ lastEventId: z.string().nullish() }).optional()).subscription(async function* ({
      input,
      signal,
    }) {
      const added = on(emitter, 'add', { ...(signal && { signal }) })
      let last = Number(input?.lastEventId ?? 0)
      if (input?.lastEventId) {
        for (const { id, event } of await readAfter(last)) {
          yield tracked(String(id), event)
          last = id
        }
      }
      for await (const [row] of added) {
        const { id, event } = row as Row
        if (id > last) yield tracked(String(id), event)
      }
    }),
  })
}

async function start(): Promise<Rival> {
  const rows: Row[] = []
  const { port, close } = await serveTrpc(createRouter(rows))
  const connect = connectTrpc<ReturnType<typeof createRouter>>
  return {
    port,
    async subscribe(proxyPort, { onEvent, onSignal }) {
      const { socket, client } = connect(proxyPort)
      await new Promise<void>((resolve) => {
        client.live.subscribe(
          {},
          {
            onStarted: () => resolve(),
            onData: ({ data }) => onEvent(data),
            onError: ({ message }) => onSignal(message),
          },
        )
      })
      return { close: () => socket.close() }
    },
    async publisher(proxyPort) {
      const { socket, client } = connect(proxyPort)
      return { publish: (event) => client.publish.mutate(event), close: () => socket.close() }
    },
    log: async () => rows.map(({ event }) => event),
    close,
  }
}
