import type { SessionInput } from '../session/machine/events.ts'
import type { SessionState } from '../session/machine/state.ts'
import type { ConnectionOptions } from './connection-options.ts'
import type { ConnectionEnvironment } from './environment.ts'
import type { Observers } from './observers.ts'

/** A running session with its options and environment. */
export interface RunningSession {
  readonly options: ConnectionOptions
  readonly environment: ConnectionEnvironment
  readonly observers: Observers
  readonly state: () => SessionState
  readonly dispatch: (input: SessionInput) => void
}
