import type { AnyTRPCRouter } from '@trpc/server'
import type { Duration } from '@trunkline/server'
import type { AwsHandler } from '@trunkline/server/lambda'
import type { Faults } from '../faults/faults.ts'
import type { LocalClient, LocalConnectOptions } from './local-client.ts'
import type { UserTable } from './user-table.ts'
/** A whole line in this process: API Gateway, Lambda, and DynamoDB with its stream, over real sockets and HTTP. */
export interface LocalLine<R extends AnyTRPCRouter> extends AsyncDisposable {
  /** `ws://127.0.0.1:port/dev` */
  readonly url: string
  /** `http://127.0.0.1:port/dev`: `POST` to `/frames` below it takes frames over HTTP. */
  readonly httpUrl: string
  /** Creates a client of this line. It closes with the line and brings its own WebSocket on Node 20. */
  connect(options?: LocalConnectOptions): LocalClient<R>
  /** Runs `fn` as a script with this line's credentials: `messages.publish` inside it reaches this line. */
  run<T>(fn: () => T): T
  /**
   * Environment variables for a separate process that accesses this line's table as a script: `TRUNKLINE_TABLE`,
   * endpoints, region and credentials.
   */
  readonly environment: Readonly<Record<string, string>>
  /**
   * Creates an application table. If `handler` (from `createSourceHandler`) is given, the table's stream is mapped to
   * it. Resolves to the table's name; the AWS SDK reaches the table with `environment`.
   */
  table(table: UserTable, handler?: AwsHandler): Promise<string>
  /** Injects faults: lost answers, cut sockets, killed functions. */
  readonly faults: Faults
  /** The clock of the line and its clients. It runs with real time, and can be moved ahead. */
  readonly clock: {
    /** The time, in milliseconds since 1970. */
    readonly now: () => number
    /** Moves the clock ahead, and resolves when what was due has run: `await local.clock.advance('2h')`. */
    advance(by: Duration): Promise<void>
  }
  /**
   * Resolves when no frame, function, stream record or push is in flight. Tests await it instead of sleeping. A socket
   * that is being opened is none of these, so make a first call before.
   */
  idle(): Promise<void>
  /** Sends tRPC's reconnect notice to every connection, as the line does before API Gateway's 2-hour limit. */
  notify(): Promise<void>
  /** Listens again on the same address after `close`, as a server that was started anew: on the table of `dataDir`, else on an empty one. Clients that `connect` made are not back. */
  reopen(): Promise<void>
  /** Closes the clients, the sockets and the emulators. */
  close(): Promise<void>
}
