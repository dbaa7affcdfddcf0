import type { ConnectionState } from '@trunkline/client'

const words: Readonly<Record<ConnectionState['status'], { readonly tone: string; readonly text: string }>> = {
  idle: { tone: 'busy', text: 'Connecting…' },
  connecting: { tone: 'busy', text: 'Connecting…' },
  open: { tone: 'calm', text: 'Live' },
  reconnecting: { tone: 'busy', text: 'Reconnecting…' },
  closed: { tone: 'broken', text: 'Disconnected' },
}

/** A badge with the state of the connection. */
export function ConnectionBadge({ state }: { state: ConnectionState }) {
  const { tone, text } = words[state.status]
  return (
    <span className="badge" data-tone={tone} data-status={state.status}>
      {text}
    </span>
  )
}
