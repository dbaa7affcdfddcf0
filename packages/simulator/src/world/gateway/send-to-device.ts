import type { Connection } from './connection.ts'
import type { ConnectionLife } from './connection-life.ts'
import { downMs, type GatewayEnvironment } from './environment.ts'

/** Transmits a message to a device, unless the connection is closed or half-open. */
export type SendToDevice = (connection: Connection, text: string) => void

/** Creates the way from the gateway to the devices. */
export function createSendToDevice(environment: GatewayEnvironment, life: ConnectionLife): SendToDevice {
  const { kernel, expectations, responses } = environment
  return (connection, text) => {
    if (connection.state !== 'open' || connection.isMute) return
    connection.activeAt = kernel.now
    const drawnMs = downMs(environment)
    const ms = connection.isStock ? Math.max(drawnMs, connection.lastArrivalAt - kernel.now) : drawnMs
    connection.lastArrivalAt = kernel.now + ms
    kernel.after(ms, `down ${connection.connectionId}`, () => {
      if (!connection.isDeviceOpen || connection.isMute || life.breaksNow(connection)) return
      if (text.includes('"started"') || text.includes('"synced"')) {
        const frames = [JSON.parse(text)].flat()
        expectations.answered(connection, frames)
        responses.answered(connection, frames)
      }
      connection.peer.message(text)
    })
  }
}
