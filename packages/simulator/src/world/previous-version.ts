import type { History } from '../records/history.ts'
import type { SimulatedGateway } from './gateway/gateway.ts'
import { loadOldTable, oldTable } from './table/old-table.ts'
import type { Table } from './table/table.ts'
import type { OldSocket } from './world.ts'

/** The time of the first request of this version: three seconds after the last write of the previous one. */
export const deploymentTime = oldTable.now + 3_000

/** Puts the rows of the previous version into an empty table, and its effects into the history. */
export function loadPreviousVersion(table: Table, history: History): void {
  loadOldTable(table.operations)
  history.calls.push(...oldTable.calls.filter(({ settled }) => settled > 0))
  for (const [n, count] of Object.entries(oldTable.charges)) history.charges.set(Number(n), count)
}

/** The sockets of the previous version, which stay open across the deployment. */
export function openOldSockets(gateway: SimulatedGateway): ReadonlyMap<string, OldSocket> {
  return new Map(
    oldTable.connections.map((socket) => {
      const messages: string[] = []
      const peer = { opened() {}, message: (text: string) => void messages.push(text), lost() {} }
      return [socket.connectionId, { wire: gateway.adopt(socket, peer), messages }]
    }),
  )
}
