import type { Credentials } from '../ports/sdk-client.ts'
import type { LogEntry } from '../ports/telemetry.ts'

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
  /** Who is told of rows that a script wrote wrong. @default JSON lines on the console */
  readonly log?: (entry: LogEntry) => void
}
