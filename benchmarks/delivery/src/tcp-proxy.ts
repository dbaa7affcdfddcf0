import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { createWireMeter, type WireMeter } from './wire-meter.ts'

/** The network between one client and its server, which can be cut. It is the same for all contestants. */
export interface TcpProxy {
  readonly port: number
  /** Resets all connections at both ends, so that bytes in flight are lost. Returns the number of connections. */
  cut(): number
  /**
   * Cuts when the next bytes arrive in this direction, and loses them: a request to the server, or the answer to an
   * executed request.
   */
  cutAtNext(way: 'up' | 'down'): void
  /** Called with the time of each connection of the client. */
  onAccept: (at: number) => void
  /** WebSocket and HTTP messages so far, to the server and to the client. */
  messages(): { readonly up: number; readonly down: number }
  close(): Promise<void>
}

/** Listens on loopback and forwards to `targetPort`. */
export async function startProxy(targetPort: number): Promise<TcpProxy> {
  let armed: 'up' | 'down' | undefined
  const pairs = new Set<readonly [Socket, Socket]>()
  const meters: { readonly up: WireMeter; readonly down: WireMeter }[] = []
  const server = createServer((client) => {
    const upstream = connect({ port: targetPort, host: '127.0.0.1', noDelay: true })
    const pair = [client.setNoDelay(true), upstream] as const
    const meter = { up: createWireMeter(), down: createWireMeter() }
    pairs.add(pair)
    meters.push(meter)
    forward(client, upstream, meter.up, () => loses('up'))
    forward(upstream, client, meter.down, () => loses('down'))
    client.once('close', () => pairs.delete(pair))
    proxy.onAccept(performance.now())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  const loses = (way: 'up' | 'down') => {
    if (armed !== way) return false
    armed = undefined
    cut()
    return true
  }
  const cut = () => {
    const count = pairs.size
    for (const socket of [...pairs].flat()) socket.resetAndDestroy()
    return count
  }
  const proxy: TcpProxy = {
    port: (server.address() as AddressInfo).port,
    cut,
    cutAtNext(way) {
      armed = way
    },
    onAccept: () => {},
    messages: () => ({
      up: meters.reduce((sum, { up }) => sum + up.messages(), 0),
      down: meters.reduce((sum, { down }) => sum + down.messages(), 0),
    }),
    close: () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      cut()
      return closed
    },
  }
  return proxy
}

/** Forwards bytes unless they must be lost, and the end. The loss of one end closes the other. */
function forward(from: Socket, to: Socket, meter: WireMeter, loses: () => boolean): void {
  from.on('data', (bytes) => {
    if (loses()) return
    meter.add(bytes)
    if (!to.destroyed) to.write(bytes)
  })
  from.on('end', () => to.end())
  from.on('error', () => {}) // `close` follows
  from.on('close', () => to.destroy())
}
