import { initTRPC } from '@trpc/server'
import type { Contestant, Event, Rival } from '@trunkline/benchmark-delivery/contestant.ts'
import { eventSchema } from '@trunkline/benchmark-delivery/contestants/trpc-server.ts'
import { createClient, createConnection } from '@trunkline/client'
import { createLine } from '@trunkline/server'
import { createLambdaHandlers } from '@trunkline/server/lambda'
import { createMemoryStore } from '@trunkline/server/memory'
import * as z from 'zod'
import { MemorySocket } from './memory-socket.ts'

/**
 * Trunkline's functions and clients in one process, over a store in memory and a gateway whose post is a function call:
 * what is left is Trunkline's own work.
 */
export const memoryLine: Contestant = {
  id: 'memory',
  name: 'Trunkline, in memory',
  documents: ['packages/server/README.md'],
  reconnect: 'not measured',
  start,
}

const lambdaContext = { getRemainingTimeInMillis: () => 28_000 }

async function start(): Promise<Rival> {
  const sockets = new Map<string, MemorySocket>()
  const line = createLine({
    backend: {
      store: createMemoryStore(),
      gateway: {
        kind: 'function call',
        async post(connectionId, text) {
          const socket = sockets.get(connectionId)
          if (socket === undefined) return { status: 'gone' }
          socket.receive(text)
          return { status: 'posted' }
        },
        async disconnect(connectionId) {
          sockets.get(connectionId)?.close()
          return 'closed'
        },
      },
      invoker: {
        kind: 'function call',
        async invoke(name, payload) {
          void handlers[name](payload, lambdaContext)
        },
      },
    },
  })
  const events = line.channel('benchmark', { key: z.object({ room: z.string() }), event: eventSchema })
  const key = { room: 'benchmark' }
  const t = initTRPC.create()
  const log: Event[] = []
  const router = t.router({
    publish: t.procedure.input(eventSchema).mutation(({ input }) => events.publish(key, input)),
    live: t.procedure.subscription(() => events.subscribe(key)),
  })
  // A function call has no quota of an account.
  const handlers = createLambdaHandlers({ router, line, accountPostsPerSecond: 1_000_000 })
  const event = (connectionId: string, eventType: string, more: object = {}) => ({
    requestContext: {
      ...{ connectionId, eventType, requestId: 'r1', connectedAt: Date.now() },
      ...{ routeKey: eventType === 'MESSAGE' ? '$default' : `$${eventType.toLowerCase()}` },
    },
    headers: {},
    ...more,
  })
  MemorySocket.gateway = {
    async connect(socket, protocols) {
      sockets.set(socket.connectionId, socket)
      const headers = { 'sec-websocket-protocol': protocols.join(', ') }
      await handlers.websocket(event(socket.connectionId, 'CONNECT', { headers }), lambdaContext)
    },
    async message(connectionId, text) {
      const message = event(connectionId, 'MESSAGE', { body: text, isBase64Encoded: false })
      return ((await handlers.websocket(message, lambdaContext)) as { readonly body: string }).body
    },
    async disconnect(connectionId) {
      sockets.delete(connectionId)
      await handlers.websocket(event(connectionId, 'DISCONNECT'), lambdaContext)
    },
  }
  const connect = () => {
    const connection = createConnection({ url: 'ws://memory', WebSocket: MemorySocket as never })
    return { connection, client: createClient<typeof router>({ connection }) }
  }
  return {
    port: 0,
    async subscribe(_port, { onEvent, onSignal }) {
      const { connection, client } = connect()
      await new Promise<void>((resolve) => {
        client.live.subscribe(undefined, {
          onStarted: () => resolve(),
          onData: ({ data }) => onEvent(data),
          onError: ({ message }) => onSignal(message),
        })
      })
      return { close: () => connection.close() }
    },
    async publisher() {
      const { connection, client } = connect()
      return { publish: (sent) => client.publish.mutate(sent), close: () => connection.close() }
    },
    log: async () => log,
    close: async () => {},
  }
}
