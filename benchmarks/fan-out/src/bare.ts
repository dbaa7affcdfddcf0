import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'

/** The control: one process that keeps its sockets in memory and sends each event to all of them. */
export async function startBare() {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  let offset = 0
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    publish(): void {
      offset += 1
      const text = JSON.stringify({ id: 's0', result: { type: 'data', id: `bare:${offset}`, data: offset } })
      for (const socket of server.clients) socket.send(text)
    },
    close: () => new Promise((resolve) => server.close(resolve)),
  }
}
