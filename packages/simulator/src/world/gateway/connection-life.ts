import type { Random } from '../../kernel/random.ts'
import { type Connection, requestContextOf } from './connection.ts'
import { downMs, type GatewayEnvironment } from './environment.ts'

const idleMs = 600_000
const lifetimeMs = 7_200_000

/** Opens, breaks and ends connections, and enforces the gateway's idle limit and lifetime. */
export class ConnectionLife {
  readonly #environment: GatewayEnvironment
  constructor(environment: GatewayEnvironment) {
    this.#environment = environment
  }

  /** Ends a handshake without a connection. */
  refuse(connection: Connection, why: string): void {
    if (connection.state === 'closed') return
    connection.state = 'closed'
    this.loseAtDevice(connection, undefined, why)
  }

  /** Opens a connection whose `$connect` succeeded. */
  accept(connection: Connection): void {
    const { kernel } = this.#environment
    if (connection.state !== 'connecting') return
    if (!connection.isDeviceOpen) {
      this.end(connection)
      return
    }
    connection.state = 'open'
    connection.activeAt = kernel.now
    kernel.after(downMs(this.#environment), `open ${connection.connectionId}`, () => {
      if (connection.isDeviceOpen) connection.peer.opened()
    })
    this.watchLimits(connection)
  }

  /** Drops the connection at its two-hour limit, or after ten minutes without a message. */
  watchLimits(connection: Connection): void {
    const { kernel } = this.#environment
    kernel.after(connection.connectedAt + lifetimeMs - kernel.now, 'lifetime', () => this.drop(connection))
    this.#watchIdle(connection)
  }

  #watchIdle(connection: Connection): void {
    const { kernel } = this.#environment
    const leftMs = connection.activeAt + idleMs - kernel.now
    kernel.after(Math.max(1, leftMs), 'idle?', () => {
      if (connection.state !== 'open') return
      if (kernel.now - connection.activeAt >= idleMs) this.drop(connection)
      else this.#watchIdle(connection)
    })
  }

  /** Closes a connection from the gateway's side. */
  drop(connection: Connection): void {
    if (connection.state === 'closed') return
    this.end(connection)
    if (connection.isMute) return
    const { kernel } = this.#environment
    kernel.after(downMs(this.#environment), 'dropped', () => this.loseAtDevice(connection, 1001, 'Going away'))
  }

  /** Closes the device's end and notifies the device. */
  loseAtDevice(connection: Connection, code: number | undefined, reason: string): void {
    if (!connection.isDeviceOpen) return
    connection.isDeviceOpen = false
    connection.peer.lost(code, reason)
  }

  /** The gateway notices the end of a connection and runs `$disconnect`, which is best effort. */
  end(connection: Connection): void {
    const { kernel, expectations } = this.#environment
    if (connection.state === 'closed') return
    connection.state = 'closed'
    connection.closedAt = kernel.now
    expectations.lost(connection.connectionId)
    kernel.note(`end ${connection.connectionId}`)
    if (connection.authorizer !== undefined) this.#runDisconnect(connection)
  }

  #runDisconnect(connection: Connection): void {
    const { kernel, plan, random, functions } = this.#environment
    const { authorizer, connectionId } = connection
    const disconnect = { authorizer, eventType: 'DISCONNECT', routeKey: '$disconnect' }
    const requestContext = { ...requestContextOf(connection), ...disconnect }
    const runAfter = (ms: number) =>
      kernel.after(ms, `$disconnect ${connectionId}`, () =>
        functions().invoke('websocket', { requestContext }, { returned: () => {}, failed: () => {} }),
      )
    const strike = plan.strikes('F14')
    const how = strike?.int(3)
    if (how === 0) return // lost
    runAfter(how === 1 ? (strike as Random).between(1_000, 60_000) : random.between(5, 50))
    if (how === 2) runAfter((strike as Random).between(10, 20_000))
  }

  /** Draws whether a transmission breaks the socket (F12, F13). Returns true if nothing is transmitted. */
  breaksNow(connection: Connection): boolean {
    const { plan } = this.#environment
    if (plan.strikes('F13')) {
      this.drop(connection)
      if (connection.isStock) connection.isMute = true // messages after a lost one are lost too
      return true
    }
    if (plan.strikes('F12')) connection.isMute = true
    return connection.isMute
  }
}
