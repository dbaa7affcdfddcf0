import type { AddressInfo } from 'node:net'
import { createTRPCClient, createWSClient, wsLink } from '@trpc/client'
import type { AnyTRPCRouter } from '@trpc/server'
import { applyWSSHandler } from '@trpc/server/adapters/ws'
import { WebSocket, WebSocketServer } from 'ws'
import * as z from 'zod'
import { reconnectDelayMs } from '../contestant.ts'

/** The schema of an event, for the routers. */
export const eventSchema = z.object({ publisher: z.number(), n: z.number(), text: z.string() })

/** Serves a router by tRPC's `ws` adapter, as in https://trpc.io/docs/server/websockets. */
export async function serveTrpc(router: AnyTRPCRouter): Promise<{ readonly port: number; close(): Promise<void> }> {
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  wss.on('connection', (socket) => socket.on('error', () => {})) // the benchmark resets sockets
  applyWSSHandler({ wss, router })
  await new Promise((resolve) => wss.once('listening', resolve))
  return {
    port: (wss.address() as AddressInfo).port,
    close: () => new Promise((resolve) => wss.close(() => resolve())),
  }
}

/** A client of `R` with its own socket, as in https://trpc.io/docs/client/links/wsLink. */
export function connectTrpc<R extends AnyTRPCRouter>(port: number) {
  const socket = createWSClient({
    url: `ws://127.0.0.1:${port}`,
    WebSocket: WebSocket as never, // its type requires the browser's class
    retryDelayMs: reconnectDelayMs,
  })
  // The type cannot know here that these routers have no transformer.
  return { socket, client: createTRPCClient<R>({ links: [wsLink<R>({ client: socket } as never)] }) }
}
