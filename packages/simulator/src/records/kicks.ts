import type { Kernel } from '../kernel/kernel.ts'
import type { Report } from '../kernel/report.ts'
import type { Operation } from './application.ts'

/** How late something may still be sent after a kick has resolved, and the latency of a port call. */
const lateMs = 5_000 + 250
/** How long after its operation failed a write may take effect. */
const lateWriteMs = 10_000
/** The error of two clocks: a token or the end of a ban this near is judged either way. */
const skewMs = 10_000

/** An operation that has resolved. */
interface Resolved extends Operation {
  readonly beganAt: number
  readonly at: number
}

/** Watches that nothing is sent to a connection that was kicked, or whose principal is banned. */
export interface Kicks {
  /** A handshake of a principal began. */
  connected(connectionId: string, principal: string): void
  /** The table has the row that leads from the principal to the connection: a kick that begins now finds it. */
  recorded(connectionId: string): void
  /** An operation that began at `beganAt` has resolved. */
  resolved(operation: Operation, beganAt: number): void
  /** An operation that began at `beganAt` has failed. It may have written. */
  failed(operation: Operation, beganAt: number): void
  /** A function sends a message to a device, by a post or as the answer of a route. */
  sent(connectionId: string): void
}

/** Creates an empty record. It reports H19. */
export function createKicks({ kernel, report }: { readonly kernel: Kernel; readonly report: Report }): Kicks {
  const connections = new Map<string, { readonly principal: string; readonly at: number }>()
  const recorded = new Map<string, number>()
  const operations: Resolved[] = []
  const attempts: Resolved[] = []

  /** The end of a ban. The last write counts: another ban that ended after this one began may have replaced it. */
  function endOf({ principal, beganAt, until }: Resolved): number {
    const rivals = attempts.filter((each) => each.kind === 'ban' && each.principal === principal && each.at >= beganAt)
    return Math.min(until, ...rivals.map((each) => each.until))
  }

  /**
   * Whether a connection must have ended by the operation: under a ban, with a token from before a revocation, or if its
   * row is older than a kick. A `$connect` that runs after a kick opens a new connection, whenever its handshake began.
   */
  function concerns(operation: Resolved, connectionId: string): boolean {
    const { kind, beganAt } = operation
    if (kind === 'ban' && kernel.now < endOf(operation) - skewMs) return true
    if (kind === 'revoke') return (connections.get(connectionId)?.at ?? beganAt) < beganAt - skewMs
    return (recorded.get(connectionId) ?? beganAt) < beganAt
  }

  return {
    connected: (connectionId, principal) => void connections.set(connectionId, { principal, at: kernel.now }),
    recorded: (connectionId) => void recorded.set(connectionId, recorded.get(connectionId) ?? kernel.now),
    resolved(operation, beganAt) {
      operations.push({ ...operation, beganAt, at: kernel.now })
      attempts.push({ ...operation, beganAt, at: kernel.now })
    },
    failed: (operation, beganAt) => void attempts.push({ ...operation, beganAt, at: kernel.now + lateWriteMs }),
    sent(connectionId) {
      const connection = connections.get(connectionId)
      if (connection === undefined) return
      for (const each of operations) {
        const isOver = each.principal === connection.principal && kernel.now > each.at + lateMs
        if (isOver && concerns(each, connectionId))
          report.break('H19', `${connectionId} was sent a message ${kernel.now - each.at} ms after a ${each.kind}`)
      }
    },
  }
}
