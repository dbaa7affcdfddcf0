import type { Clock } from './clock.ts'
import type { Gateway } from './gateway.ts'
import type { Invoker } from './invoker.ts'
import type { Store } from './store.ts'

/** Where a line's state lives and how it reaches sockets and functions: the ports, bound together. */
export interface Backend {
  readonly store: Store
  /** Without one, what is published is delivered by the table's stream. */
  readonly gateway?: Gateway
  readonly invoker?: Invoker
  /** @default the machine's clock */
  readonly clock?: Clock
  /**
   * The deployment's restore number: raise it after a table restore, so that every cursor from before is a gap.
   * @default 0
   */
  readonly restore?: number
}
