import type { AnyTRPCRouter } from '@trpc/server'
import type { AwsHandler, Duration } from '@trunkline/server'
import type { Faults } from '../faults/faults.ts'
import type { LocalClient, LocalConnectOptions } from './local-client.ts'
import type { UserTable } from './user-table.ts'
/** A whole line in this process: API Gateway, Lambda, DynamoDB with its stream, over real sockets and HTTP. */
export interface LocalLine<R extends AnyTRPCRouter> extends AsyncDisposable {
  /** `ws://127.0.0.1:port/dev` */
  readonly url: string
  /** A client of this line, closed with it; brings its own WebSocket on Node 20. */
  connect(options?: LocalConnectOptions): LocalClient<R>
  /** Runs `fn` as a script with this line's credentials would: `messages.publish` inside it reaches this line. */
  run<T>(fn: () => T): T
  /** What a process of its own needs to reach this line's table as a script: `TRUNKLINE_TABLE`, endpoints, region and credentials. */
  readonly environment: Readonly<Record<string, string>>
  /**
   * Creates a table of the application's own and maps its stream to a handler of `createSourceHandler`, if given. Gives
   * its name; the AWS SDK reaches it with `environment`.
   */
  table(table: UserTable, handler?: AwsHandler): Promise<string>
  readonly faults: Faults
  readonly clock: { readonly now: () => number; advance(by: Duration): Promise<void> }
  /** Resolves when no frame, function, stream record or push is under way: what tests await instead of a sleep. */
  idle(): Promise<void>
  /** Sends tRPC's reconnect notice to every connection, as before the 2-hour cut. */
  notify(): Promise<void>
  /** Listens again on the same address after `close`, as a server that was started anew: on the table of `dataDir`, else on an empty one. Clients that `connect` made are not back. */
  reopen(): Promise<void>
  close(): Promise<void>
}
