import type { AnyTRPCRouter, TRPCDataTransformer } from '@trpc/server'
import { type Connection, createClient, createConnection, trunklineError } from '@trunkline/client'
import { WebSocket } from 'ws'
import { type ActionResult, type CallerChoice, type InspectorAction, InspectorError } from '../data-source.ts'
import type { ApplicationPort } from './application-port.ts'
import { member } from './frame-name.ts'
import { type Credentials, callParameter } from './handshakes.ts'
import type { InspectedLine } from './inspected-line.ts'
import { parseJson } from './plain-item.ts'
import type { Watch } from './watch.ts'

type Call = Extract<InspectorAction, { readonly action: 'call' }>

/** The members of a client's procedure. */
interface ProcedureLike {
  query(input: unknown, options: { readonly signal: AbortSignal }): Promise<unknown>
  mutate(input: unknown, options: { readonly signal: AbortSignal }): Promise<unknown>
  subscribe(input: unknown, handlers: SubscribeHandlers): unknown
}

interface SubscribeHandlers {
  onStarted(): void
  onData(): void
  onError(error: unknown): void
}

interface Subscribing {
  readonly called: ProcedureLike
  readonly connection: Connection
  readonly name: string
  readonly signal: AbortSignal
}

const mostSubscriptions = 20 // of the page; the oldest one is stopped beyond

/** Calls procedures of the line as a client of their own connection, so that frames and runs show the call. */
export class Calls {
  readonly #watch: Watch
  readonly #line: () => InspectedLine
  readonly #application: () => ApplicationPort
  readonly #subscriptions = new Map<string, Connection>()
  #count = 0

  constructor(watch: Watch, line: () => InspectedLine, application: () => ApplicationPort) {
    this.#watch = watch
    this.#line = line
    this.#application = application
  }

  /** Resolves to the answer, also if it is an error. A subscription goes on until `stop`. `signal` cancels the call. */
  async call({ path, input, caller }: Call, signal: AbortSignal): Promise<ActionResult> {
    const application = this.#application()
    const { procedures } = await application.describe()
    const procedure = procedures.find(({ id }) => id === path)
    if (procedure === undefined)
      throw new InspectorError(404, `Expected the path of a procedure, got ${JSON.stringify(path)}.`)
    const { input: encoded, transforms } = await application.encode({ path, input })
    this.#count += 1
    const name = String(this.#count)
    const connection = this.#connect(name, this.#credentialsOf(caller))
    const called = toProcedure(createClient<AnyTRPCRouter>({ connection, transformer: untouched(transforms) }), path)
    if (procedure.type === 'subscription') return this.#subscribe({ called, connection, name, signal }, encoded)
    try {
      const data = await (procedure.type === 'query'
        ? called.query(encoded, { signal })
        : called.mutate(encoded, { signal }))
      const answer = await application.decode(rawOf(data))
      if (answer === undefined) return { words: 'Answered without a value.', ...this.#placeOf(name) }
      return { words: 'Answered.', data: answer, ...this.#placeOf(name) }
    } catch (error) {
      return { ...(await failure(application, error)), ...this.#placeOf(name) }
    } finally {
      await connection.close()
    }
  }

  /** Ends a subscription of the page. */
  async stop(connectionId: string): Promise<ActionResult> {
    const connection = this.#subscriptions.get(connectionId)
    if (connection === undefined)
      throw new InspectorError(404, `Expected the connection of a subscription of this page, got ${connectionId}.`)
    this.#subscriptions.delete(connectionId)
    await connection.close()
    return { words: 'Stopped.' }
  }

  async #subscribe({ called, connection, name, signal }: Subscribing, input: unknown): Promise<ActionResult> {
    try {
      await new Promise<void>((onStarted, onError) => {
        signal.addEventListener('abort', onError, { once: true })
        called.subscribe(input, { onStarted, onError, onData: () => {} })
      })
    } catch (error) {
      await connection.close()
      return { ...(await failure(this.#application(), error)), ...this.#placeOf(name) }
    }
    const place = this.#placeOf(name)
    if (place.connectionId !== undefined) this.#subscriptions.set(place.connectionId, connection)
    const [oldest] = this.#subscriptions.keys()
    if (this.#subscriptions.size > mostSubscriptions && oldest !== undefined) await this.stop(oldest)
    return { words: 'Subscribed. The frames of its connection show the events.', ...place }
  }

  #connect(name: string, { token, cookie, authorization }: Credentials): Connection {
    const headers = Object.fromEntries(
      Object.entries({ cookie, authorization }).filter(([, value]) => value !== undefined),
    ) as Record<string, string>
    class HeaderSocket extends WebSocket {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols, { headers })
      }
    }
    const { gateway, clock } = this.#line()
    const url = `${gateway.url}?${callParameter}=${name}`
    return createConnection({ url, WebSocket: HeaderSocket, token: () => token ?? null }, clock)
  }

  #credentialsOf(caller: CallerChoice): Credentials {
    const none = { token: undefined, cookie: undefined, authorization: undefined }
    if (caller.kind === 'anonymous') return none
    if (caller.kind === 'token') return { ...none, token: caller.token }
    const known = this.#watch.handshakes.get(caller.connection)
    if (known !== undefined) return known
    throw new InspectorError(404, `Expected the id of an open socket, got ${JSON.stringify(caller.connection)}.`)
  }

  #placeOf(name: string): Pick<ActionResult, 'connectionId'> {
    const connectionId = this.#watch.handshakes.connectionOf(name)
    return connectionId === undefined ? {} : { connectionId }
  }
}

function toProcedure(client: unknown, path: string): ProcedureLike {
  let found: unknown = client
  for (const name of path.split('.')) found = Reflect.get(Object(found), name)
  return found as ProcedureLike // a client has every path
}

/**
 * Passes values as they are on the wire: only the application's thread has the router's transformer. A value is wrapped
 * in the shape of an error, because the client requires one of errors.
 */
function untouched(transforms: boolean): TRPCDataTransformer {
  return {
    // the client takes a function that returns its argument for no transformer
    serialize: (value: unknown) => (transforms && typeof value === 'object' ? structuredClone(value) : value),
    deserialize: (raw: unknown) => ({ code: 0, message: '', raw }),
  }
}

const rawOf = (wrapped: unknown) => member(wrapped, 'raw')

/** The error of a call as an answer. */
async function failure(application: ApplicationPort, error: unknown): Promise<ActionResult> {
  const raw = rawOf(member(error, 'shape'))
  const data = raw === undefined ? undefined : await application.decode(raw)
  const shape = parseJson(data)
  const own = trunklineError(error)
  const code = own?.code ?? member(member(shape, 'data'), 'code')
  const message = member(shape, 'message') ?? own?.message ?? (error instanceof Error ? error.message : String(error))
  return {
    words: typeof code === 'string' ? `${code}: ${message}` : String(message),
    data: data ?? JSON.stringify({ code, message }),
    failed: true,
  }
}
