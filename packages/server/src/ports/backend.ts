import type { Clock } from './clock.ts'
import type { ErasureStore } from './erasure.ts'
import type { Gateway } from './gateway.ts'
import type { Invoker } from './invoker.ts'
import type { Store } from './store.ts'

/** Everything that a line needs from outside: its store, its gateway, its invoker and its clock. */
export interface Backend {
  readonly store: Store
  /** Finds and removes what the store holds about a principal. Only a script that erases needs it. */
  readonly erasure?: ErasureStore
  /** Sends to clients. Without one, the function of the table's stream delivers what is published. */
  readonly gateway?: Gateway
  /** Starts functions. Without one, nothing runs in the worker and failed deliveries are not retried. */
  readonly invoker?: Invoker
  /** @default the machine's clock */
  readonly clock?: Clock
  /**
   * The deployment's restore number. Raise it after a table was restored, so that every older cursor is a gap. @default
   * 0
   */
  readonly restore?: number
}
