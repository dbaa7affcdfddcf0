import { getUntypedClient, type TRPCUntypedClient } from '@trpc/client'
import type { AnyTRPCRouter } from '@trpc/server'
import { type ClientOptions, type Connection, createClient, createConnection } from '@trunkline/client'
import { defined } from '@trunkline/protocol'
import type { Application } from '@trunkline/server/internal'
import { WebSocket } from 'ws'
import type { Stage } from '../../stage/stage.ts'
import { UsageError } from '../../stage/usage-error.ts'
import { connectionDocs } from '../definition/docs.ts'
import { CommandFailure, type Io } from '../definition/io.ts'
import { resumingWebSocket } from './resuming-socket.ts'

/** A client of a line, without the types of its router. */
export interface LineCaller {
  readonly client: TRPCUntypedClient<AnyTRPCRouter>
  readonly connection: Connection
  /** Rejects when the line cannot be reached, or refuses the token. It stays pending otherwise. */
  readonly unreachable: Promise<never>
}

export interface ConnectSettings {
  readonly url: string
  readonly token?: string
  /** Has the transformer of the router. */
  readonly application?: Application
  readonly timeoutMs?: number
  /** The id of the event after which the first subscription begins. */
  readonly lastEventId?: string
  readonly io: Pick<Io, 'note'>
}

const attempts = 3 // before a line that never answered counts as not reachable

/** Where a client connects, and of a `trunkline dev` the module with its handlers. */
interface Address {
  readonly url: string
  readonly entry?: string
}

/** The WebSocket URL that the user named, or that of the line. */
export async function addressOf(url: string | undefined, findLine: () => Promise<Stage>): Promise<Address> {
  if (url !== undefined) {
    if (/^wss?:\/\/[^/]/.test(url) && URL.canParse(url)) return { url }
    throw new UsageError(`Expected --url to be an address such as wss://example.com/prod, got ${url}.`)
  }
  const { webSocketUrl, entry, name } = await findLine()
  if (webSocketUrl !== undefined) return { url: webSocketUrl, ...defined({ entry }) }
  throw new Error(`The address of the line ${name} is not known. Add --url, or set TRUNKLINE_CALLBACK_URL.`)
}

export function connect({ url, token, application, timeoutMs, lastEventId, io }: ConnectSettings): LineCaller {
  const connection = createConnection({
    url,
    WebSocket: lastEventId === undefined ? WebSocket : resumingWebSocket(lastEventId),
    onProtocolError: io.note,
    ...defined({ timeoutMs, token: token === undefined ? undefined : () => token }),
  })
  const transformer = application?.router._def._config.transformer
  const unreachable = new Promise<never>((_, reject) => {
    let wasOpen = false
    connection.subscribe((state) => {
      if (state.status === 'open') wasOpen = true
      if (state.status === 'reconnecting' && state.attempt >= attempts && !wasOpen)
        reject(
          new CommandFailure(`Could not connect to ${url}: ${state.cause.message} Check the address of the line.`, {
            code: state.cause.code,
            docs: connectionDocs,
          }),
        )
      if (state.status === 'closed' && state.cause.code !== 'closed-by-you')
        reject(new CommandFailure(toClosed(state.cause, token), { code: state.cause.code, docs: connectionDocs }))
    })
  })
  unreachable.catch(() => {}) // nobody may wait for it
  const options = defined({ connection, transformer }) as ClientOptions<AnyTRPCRouter>
  return { client: getUntypedClient(createClient<AnyTRPCRouter>(options) as never), connection, unreachable }
}

function toClosed({ code, message }: { readonly code: string; readonly message: string }, token: string | undefined) {
  if (code !== 'refused') return `The line closed the connection: ${message}`
  return token === undefined
    ? `The line refuses connections without a token: ${message} Add --token, or set TRUNKLINE_TOKEN.`
    : `The line refused the token: ${message} Get a new one.`
}
