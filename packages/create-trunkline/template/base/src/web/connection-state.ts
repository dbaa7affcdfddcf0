import type { ConnectionState } from '@trunkline/client'
import { connection } from './line.ts'
import type { Store } from './store.ts'

export const connectionState: Store<ConnectionState> = {
  get: () => connection.state,
  subscribe(run) {
    run(connection.state)
    return connection.subscribe(run)
  },
}

/** What the page says of its connection. */
export function describe(state: ConnectionState): { readonly tone: 'good' | 'busy' | 'bad'; readonly text: string } {
  switch (state.status) {
    case 'open':
      return { tone: 'good', text: 'Live' }
    case 'reconnecting':
      return { tone: 'busy', text: 'Reconnecting…' }
    case 'closed':
      return { tone: 'bad', text: state.cause.message }
    default:
      return { tone: 'busy', text: 'Connecting…' }
  }
}

/** The message of a failed call or subscription. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
