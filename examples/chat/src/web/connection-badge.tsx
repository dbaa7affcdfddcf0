import type { ConnectionState } from '@trunkline/client'
import { describeConnection } from '../words/connection.ts'

/** A badge with the state of the connection. */
export function ConnectionBadge({ state }: { state: ConnectionState }) {
  const { tone, short } = describeConnection(state, Date.now())
  return (
    <span className="badge" data-tone={tone} data-status={state.status}>
      {short}
    </span>
  )
}
