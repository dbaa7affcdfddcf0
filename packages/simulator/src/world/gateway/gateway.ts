import type { PostOutcome } from '@trunkline/server/ports'
import type { OldConnection } from '../table/old-table.ts'
import { type Connection, type GatewayConnection, newConnection, type Peer, type Wire } from './connection.ts'
import { ConnectionLife } from './connection-life.ts'
import { type GatewayEnvironment, upMs } from './environment.ts'
import { FrameRoutes } from './frame-routes.ts'
import { startHandshake } from './handshake.ts'
import { Posts, refuseHttp } from './posts.ts'
import { createSendToDevice } from './send-to-device.ts'

/** API Gateway: sockets, routes, posts, its limits and its frames. */
export interface SimulatedGateway {
  connect(device: string, protocols: readonly string[], peer: Peer): Wire
  post(connectionId: string, text: string): Promise<PostOutcome>
  disconnect(connectionId: string): Promise<'closed' | 'gone'>
  readonly connections: ReadonlyMap<string, GatewayConnection>
  /** Adopts a socket that was opened before the schedule started. */
  adopt(socket: OldConnection, peer: Peer): Wire
  /** Closes every socket, as the end of a local line does. */
  dropAll(): void
}

const frameCharacters = 32_768 // schedules send ASCII only

/** Creates a gateway without sockets. */
export function createGateway(environment: GatewayEnvironment): SimulatedGateway {
  const { kernel } = environment
  const connections = new Map<string, Connection>()
  const life = new ConnectionLife(environment)
  const sendToDevice = createSendToDevice(environment, life)
  const routes = new FrameRoutes(environment, life, sendToDevice)
  const posts = new Posts(environment, connections, sendToDevice)
  let count = 0
  const wireOf = (connection: Connection) => createWire(environment, { connection, life, routes })
  return {
    connections,
    connect(device, protocols, peer) {
      const connectionId = `c${++count}=`
      const connection = startHandshake(environment, life, { connectionId, device, protocols, peer })
      connections.set(connectionId, connection)
      return wireOf(connection)
    },
    adopt({ device, wants, authorityEnds = Number.POSITIVE_INFINITY, ...socket }, peer) {
      const connection: Connection = {
        ...{ ...socket, ...newConnection(peer, kernel.now), device: `old ${device}`, state: 'open', headers: {} },
        ...{ requestedRefs: new Map(Object.entries(wants)), authorityEnds },
      }
      connections.set(connection.connectionId, connection)
      count = Math.max(count, Number.parseInt(connection.connectionId.slice(1), 10))
      life.watchLimits(connection)
      return wireOf(connection)
    },
    dropAll() {
      for (const connection of [...connections.values()]) life.drop(connection)
    },
    post: (connectionId, text) => posts.post(connectionId, text),
    async disconnect(connectionId) {
      refuseHttp(environment.report, 'asked to delete', connectionId)
      const connection = connections.get(connectionId)
      if (connection?.state !== 'open') return 'gone' // also before `$connect` has answered
      life.drop(connection)
      return 'closed'
    },
  }
}

/** Creates a device's handle of a connection. */
function createWire(
  environment: GatewayEnvironment,
  {
    connection,
    life,
    routes,
  }: { readonly connection: Connection; readonly life: ConnectionLife; readonly routes: FrameRoutes },
): Wire {
  const { kernel, report } = environment
  const { connectionId, device } = connection
  return {
    connectionId,
    send(text) {
      if (!connection.isDeviceOpen || connection.state === 'connecting') return false
      if (text.length > frameCharacters) report.break('H16', `${device} sent a frame of ${text.length} characters`)
      routes.receive(connection, text)
      return true
    },
    close() {
      if (!connection.isDeviceOpen) return
      connection.isDeviceOpen = false
      if (connection.isMute) return
      kernel.after(upMs(environment), `closed ${connectionId}`, () => life.end(connection))
    },
    break(noticedBy) {
      connection.isMute = true
      if (noticedBy.gateway) kernel.after(upMs(environment), `broken ${connectionId}`, () => life.end(connection))
      if (noticedBy.device) life.loseAtDevice(connection, undefined, 'broken')
    },
  }
}
