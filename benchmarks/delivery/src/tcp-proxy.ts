import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { createWireMeter, type WireMeter } from './wire-meter.ts'

/** The network between one client and its server, which can be cut. The same for every contestant. */
export interface TcpProxy {
  readonly port: number
  /** Destroys every connection at both ends: bytes under way are lost, and each end learns of it by a reset. Gives how many there were. */
  cut(): number
  /** Cuts when the next bytes come that way, which are lost: towards the server a request that it never has, towards the client the answer to one that it has carried out. */
  cutAtNext(way: 'up' | 'down'): void
  /** Called with the time of each connection that a client makes. */
  onAccept: (at: number) => void
  /** Messages of the wire so far, towards the server and towards the client. */
  messages(): { readonly up: number; readonly down: number }
  close(): Promise<void>
}

/** Listens on loopback and passes on to `targetPort`. */
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
    pass(client, upstream, meter.up, () => loses('up'))
    pass(upstream, client, meter.down, () => loses('down'))
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

/** Passes on what comes unless it is to be lost, and the end; the loss of one end is the loss of the other. */
function pass(from: Socket, to: Socket, meter: WireMeter, loses: () => boolean): void {
  from.on('data', (bytes) => {
    if (loses()) return
    meter.take(bytes)
    if (!to.destroyed) to.write(bytes)
  })
  from.on('end', () => to.end())
  from.on('error', () => {}) // the close that follows says all there is to say
  from.on('close', () => to.destroy())
}
