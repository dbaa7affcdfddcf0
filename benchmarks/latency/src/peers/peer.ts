import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Contestant, Event } from '@trunkline/benchmark-delivery/contestant.ts'
import { WebSocket } from 'ws'

/** A contestant that needs software which is not in package-lock.json. */
export interface Peer extends Contestant {
  /** What is missing and how to install it; undefined when it can run. */
  missing(): string | undefined
}

/** Opens a WebSocket and passes the text of each message to `onText`. */
export async function openSocket(url: string, onText: (text: string) => void = () => {}): Promise<WebSocket> {
  const socket = new WebSocket(url)
  socket.on('message', (data) => onText(String(data)))
  await once(socket, 'open')
  return socket
}

/** Reads one event; undefined for a message of another kind. */
export function toEvent(text: string): Event | undefined {
  const value = JSON.parse(text) as Event | { readonly publisher?: undefined }
  return value.publisher === undefined ? undefined : value
}

/** A port that no program listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('Expected a server with a port.')
  return address.port
}
