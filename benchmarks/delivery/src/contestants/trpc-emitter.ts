import { EventEmitter, on } from 'node:events'
import { initTRPC } from '@trpc/server'
import { type Contestant, type Event, type Rival, sharedReconnect } from '../contestant.ts'
import { connectTrpc, eventSchema, serveTrpc } from './trpc-server.ts'

/** tRPC's own adapter with the basic example of its documentation. */
export const trpcEmitter: Contestant = {
  id: 'trpc',
  name: "tRPC's `ws` adapter, EventEmitter",
  documents: ['https://trpc.io/docs/server/subscriptions#basic-example', 'https://trpc.io/docs/server/websockets'],
  reconnect: sharedReconnect,
  start,
}

function createRouter(log: Event[]) {
  const t = initTRPC.create()
  const emitter = new EventEmitter().setMaxListeners(0)
  return t.router({
    publish: t.procedure.input(eventSchema).mutation(({ input }) => {
      log.push(input)
      emitter.emit('add', input)
    }),
    live: t.procedure.subscription(async function* ({ signal }) {
      for await (const [event] of on(emitter, 'add', { ...(signal && { signal }) })) yield event as Event
    }),
  })
}

async function start(): Promise<Rival> {
  const log: Event[] = []
  const { port, close } = await serveTrpc(createRouter(log))
  const connect = connectTrpc<ReturnType<typeof createRouter>>
  return {
    port,
    async subscribe(proxyPort, { onEvent, onSignal }) {
      const { socket, client } = connect(proxyPort)
      await new Promise<void>((resolve) => {
        client.live.subscribe(undefined, {
          onStarted: () => resolve(),
          onData: onEvent,
          onError: ({ message }) => onSignal(message),
        })
      })
      return { close: () => socket.close() }
    },
    async publisher(proxyPort) {
      const { socket, client } = connect(proxyPort)
      return { publish: (event) => client.publish.mutate(event), close: () => socket.close() }
    },
    log: async () => log,
    close,
  }
}
