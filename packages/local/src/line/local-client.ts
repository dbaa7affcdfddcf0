import type { AnyTRPCRouter, TRPCCombinedDataTransformer, TRPCDataTransformer } from '@trpc/server'
import {
  type ClientOptions,
  type Connection,
  type ConnectionOptions,
  createClient,
  createConnection,
  type LineClient,
} from '@trunkline/client'
import { overHttp } from '@trunkline/client/http'
import { defined } from '@trunkline/protocol'
import { WebSocket } from 'ws'
import { clientParameter } from '../faults/faults.ts'
import type { Stack } from './stack.ts'

/** A client of a local line, and its connection. */
export interface LocalClient<R extends AnyTRPCRouter> {
  readonly client: LineClient<R>
  readonly connection: Connection
}

/** The options of a client of a local line: those of a connection, without the addresses that the line has. */
export interface LocalConnectOptions extends Partial<Omit<ConnectionOptions, 'url' | 'fallback'>> {
  /**
   * What the client may use. `both`: a socket, and HTTP where none can be opened.
   *
   * @default 'socket'
   */
  readonly transport?: 'socket' | 'http' | 'both'
  /** Sends the client's HTTP requests. @default the runtime's `fetch` */
  readonly fetch?: typeof fetch
  /** The router's transformer. Required where the line cannot read it from the router. @default the router's own */
  readonly transformer?: TRPCDataTransformer | TRPCCombinedDataTransformer
}

/** Creates clients of a stack. They share its clock and close with it. */
export function createConnector<R extends AnyTRPCRouter>(
  stack: Stack,
  transformer: LocalConnectOptions['transformer'],
): { connect(options?: LocalConnectOptions): LocalClient<R>; close(): Promise<void> } {
  const connections: Connection[] = []
  const { now, after, random } = stack.clock
  return {
    connect(options = {}) {
      const name = String(connections.length + 1)
      const { transformer: own = transformer, transport = 'socket', fetch, ...rest } = options
      const url = transport === 'http' ? null : `${stack.gateway.url}?${clientParameter}=${name}`
      const fallback = transport === 'socket' ? undefined : overHttp(stack.gateway.callbackUrl, defined({ fetch }))
      const connection = createConnection({ WebSocket, ...rest, url, ...defined({ fallback }) }, { now, after, random })
      connections.push(connection)
      stack.faults.name(connection, name)
      // only the caller's types know whether this router has a transformer
      const client = createClient<R>(defined({ connection, transformer: own }) as ClientOptions<R>)
      return { client, connection }
    },
    close: async () => {
      await Promise.all(connections.map((connection) => connection.close()))
    },
  }
}
