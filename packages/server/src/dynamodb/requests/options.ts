import type { Credentials, WallClock } from '../../ports/sdk-client.ts'
import type { LogEntry } from '../../ports/telemetry.ts'

/** Which table, and how it is reached. */
export interface DynamoStoreOptions {
  readonly table: string
  /** @default what the SDK finds, AWS_REGION first */
  readonly region?: string
  /** Another endpoint than the region's, for a local table. */
  readonly endpoint?: string
  readonly credentials?: Credentials
  /** For one try of three. @default 1000 */
  readonly requestTimeoutMs?: number
  /** By which sockets that were idle for more than 2 s are not used again. @default the machine's */
  readonly clock?: WallClock
  /** Who is told of rows that a script wrote wrong. @default JSON lines on the console */
  readonly log?: (entry: LogEntry) => void
}
