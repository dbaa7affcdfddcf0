import type { ConnectionState } from '@trunkline/client'
import { describeConnection } from '../words/connection.ts'

/** The state of the connection in a word, always in the same place. */
export function ConnectionBadge({ state }: { state: ConnectionState }) {
  const { tone, short } = describeConnection(state, Date.now())
  return (
    <span className="badge" data-tone={tone} data-status={state.status}>
      {short}
    </span>
  )
}
