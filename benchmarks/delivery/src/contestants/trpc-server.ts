import type { AddressInfo } from 'node:net'
import { createTRPCClient, createWSClient, wsLink } from '@trpc/client'
import type { AnyTRPCRouter } from '@trpc/server'
import { applyWSSHandler } from '@trpc/server/adapters/ws'
import { WebSocket, WebSocketServer } from 'ws'
import * as z from 'zod'
import { reconnectDelayMs } from '../contestant.ts'

/** The event, as the routers take it. */
export const eventSchema = z.object({ publisher: z.number(), n: z.number(), text: z.string() })

/** tRPC's `ws` adapter for one router, as https://trpc.io/docs/server/websockets sets it up. */
export async function serveTrpc(router: AnyTRPCRouter): Promise<{ readonly port: number; close(): Promise<void> }> {
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  wss.on('connection', (socket) => socket.on('error', () => {})) // a reset is what this benchmark does
  applyWSSHandler({ wss, router })
  await new Promise((resolve) => wss.once('listening', resolve))
  return {
    port: (wss.address() as AddressInfo).port,
    close: () => new Promise((resolve) => wss.close(() => resolve())),
  }
}

/** A client of `R` on a socket of its own, as https://trpc.io/docs/client/links/wsLink sets it up. */
export function connectTrpc<R extends AnyTRPCRouter>(port: number) {
  const socket = createWSClient({
    url: `ws://127.0.0.1:${port}`,
    WebSocket: WebSocket as never, // its type asks for the browser's class
    retryDelayMs: reconnectDelayMs,
  })
  // Whether R has a transformer is a type that only the caller knows; these routers have none.
  return { socket, client: createTRPCClient<R>({ links: [wsLink<R>({ client: socket } as never)] }) }
}
