import type { WallClock } from '../../ports/clock.ts'
import type { LogEntry } from '../../ports/telemetry.ts'
import type { Credentials } from '../../sdk/client-settings.ts'

/** The table of a store, and how to connect to it. */
export interface DynamoStoreOptions {
  /** The table's name. */
  readonly table: string
  /** @default the SDK's own search, which begins with AWS_REGION */
  readonly region?: string
  /** The URL of a local table. @default the region's endpoint */
  readonly endpoint?: string
  /** @default the SDK's own search */
  readonly credentials?: Credentials
  /** The deadline of one try, in milliseconds. A request is tried up to three times. @default 1000 */
  readonly requestTimeoutMs?: number
  /** Sockets that were idle for more than 2 s by this clock are not reused. @default the machine's clock */
  readonly clock?: WallClock
  /** Receives a warning for rows that a script wrote with errors [TL-ROW-1]. @default JSON lines on the console */
  readonly log?: (entry: LogEntry) => void
}
