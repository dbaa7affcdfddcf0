import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AddressInfo, Server, Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { afterEach, vi } from 'vitest'

const certificates = join(dirname(createRequire(import.meta.url).resolve('dynalite')), 'ssl')

/** The key and the certificate of a server, of no known authority. */
export const tls = {
  key: readFileSync(join(certificates, 'server-key.pem')),
  cert: readFileSync(join(certificates, 'server-crt.pem')),
}

/** A response to a post, as its bytes. */
export const accepted = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'

/** The sockets that the servers of this test have got. */
export const sockets = new Set<Socket>()
const servers: Server[] = []
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const socket of sockets) socket.destroy()
  sockets.clear()
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve))
})

/** Starts a server, which ends after the test. Returns its port. */
export async function listen(server: Server): Promise<number> {
  servers.push(server)
  server.on('connection', (socket: Socket) => void sockets.add(socket.on('error', () => {})))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}
