import { connect as connectPlain, isIP } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { OpenSocket } from './socket-pool.ts'

/** Opens sockets to the server of an address. A new socket resumes the session of an earlier one where TLS is used. */
export function socketsTo({ protocol, hostname, port }: URL): OpenSocket {
  const isTls = protocol === 'https:'
  const host = hostname.replace(/^\[(.*)\]$/, '$1') // an IPv6 address
  const target = { host, port: Number(port) || (isTls ? 443 : 80) }
  if (!isTls) return (onread) => connectPlain({ ...target, onread }).setNoDelay()
  const servername = isIP(host) === 0 ? host : ''
  let session: Buffer | undefined
  return (onread) => {
    const options = { ...target, servername, ALPNProtocols: ['http/1.1'], onread }
    const socket = connectTls(session === undefined ? options : { ...options, session }).setNoDelay()
    const keep = (newest?: Buffer) => {
      session = newest
    }
    return socket.on('session', keep).once('error', () => keep())
  }
}
