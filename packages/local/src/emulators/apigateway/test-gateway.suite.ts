import { createServer } from 'node:http'
import { type ClientOptions, WebSocket } from 'ws'
import { createLocalClock, type LocalClock } from '../clock.ts'
import { type GatewayOptions, type InvokeResult, type LocalGateway, startGateway } from './gateway.ts'

/** A function of a test. It returns its payload or throws. */
export type TestFunction = (event: TestEvent) => unknown

/** The event fields that tests read. */
export interface TestEvent {
  readonly headers?: Record<string, string>
  readonly body?: string
  readonly requestContext: Record<string, unknown> & { readonly connectionId: string; readonly requestId: string }
}

/** A gateway under test, with the recorded calls of its functions. */
export interface TestGateway extends AsyncDisposable {
  readonly gateway: LocalGateway
  readonly clock: LocalClock
  readonly calls: { readonly name: string; readonly event: TestEvent }[]
  /** The events that a function received. */
  eventsOf(name: string): TestEvent[]
}

/** Starts a gateway with functions by name. A thrown `Error` becomes an error result. */
export async function startTestGateway(
  options: Partial<GatewayOptions> & { readonly functions?: Readonly<Record<string, TestFunction>> } = {},
): Promise<TestGateway> {
  const { functions = {}, ...rest } = options
  const clock = createLocalClock()
  const calls: { name: string; event: TestEvent }[] = []
  const invoke = async (name: string, event: unknown): Promise<InvokeResult> => {
    const copy: TestEvent = JSON.parse(JSON.stringify(event))
    calls.push({ name, event: copy })
    try {
      return { status: 'ok', payload: await functions[name]?.(copy) }
    } catch (error) {
      return { status: 'error', errorMessage: error instanceof Error ? error.message : String(error) }
    }
  }
  const gateway = await startGateway({ clock, routes: [], invoke, ...rest })
  return {
    gateway,
    clock,
    calls,
    eventsOf: (name) => calls.filter((call) => call.name === name).map((call) => call.event),
    async [Symbol.asyncDispose]() {
      await gateway.close()
      clock.close()
    },
  }
}

/** A connected client that queues received texts until they are read. */
export interface TestClient {
  readonly socket: WebSocket
  /** The next text. */
  next(): Promise<string>
  /** Texts that were not read yet. */
  readonly pending: readonly string[]
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>
}

/** Opens a socket. If the handshake is rejected, rejects with its status as the message. */
export function dial(url: string, protocols: string[] = [], options: ClientOptions = {}): Promise<TestClient> {
  const socket = new WebSocket(url, protocols, options)
  const pending: string[] = []
  const waiting: ((text: string) => void)[] = []
  socket.on('message', (data) => {
    const wake = waiting.shift()
    if (wake) wake(String(data))
    else pending.push(String(data))
  })
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: String(reason) }))
  })
  const next = () => {
    const text = pending.shift()
    return text === undefined ? new Promise<string>((wake) => waiting.push(wake)) : Promise.resolve(text)
  }
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve({ socket, next, pending, closed }))
    socket.once('unexpected-response', (_, response) => {
      reject(new Error(String(response.statusCode)))
      response.destroy()
    })
    socket.on('error', reject)
  })
}

/** The status with which a handshake is rejected. */
export function rejectionOf(url: string, protocols: string[] = [], options: ClientOptions = {}): Promise<string> {
  return dial(url, protocols, options).then(
    () => 'opened',
    (error: Error) => error.message,
  )
}

/** A promise with its resolver. */
export function defer<T = void>(): { readonly promise: Promise<T>; resolve(value: T): void } {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((done) => {
    resolve = done
  })
  return { promise, resolve: (value) => resolve(value) }
}

/** A port on which no server listens. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

/** The response of a successful function. */
export const ok = { statusCode: 200 }
