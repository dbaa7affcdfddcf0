import { type Connection, requestContextOf } from './connection.ts'
import type { ConnectionLife } from './connection-life.ts'
import { type GatewayEnvironment, upMs } from './environment.ts'
import type { SendToDevice } from './send-to-device.ts'

const oneWay: ReadonlySet<string> = new Set(['subscription', 'subscription.stop', 'connectionParams'])

/** Carries frames from devices to the routes' function, and its responses back. */
export class FrameRoutes {
  readonly #environment: GatewayEnvironment
  readonly #life: ConnectionLife
  readonly #sendToDevice: SendToDevice
  constructor(environment: GatewayEnvironment, life: ConnectionLife, sendToDevice: SendToDevice) {
    this.#environment = environment
    this.#life = life
    this.#sendToDevice = sendToDevice
  }

  /** Transmits a frame that a device sent. F9 loses it, F10 repeats it. */
  receive(connection: Connection, text: string): void {
    const { kernel, plan, swallowed } = this.#environment
    const message: unknown = text === 'PING' ? {} : JSON.parse(text) // `PING` is tRPC's own keepalive
    const { method = '' } = message as Frame
    if (swallowed.has(method)) return
    this.#record(connection, message)
    kernel.after(upMs(this.#environment), `frame ${connection.connectionId} ${method || 'batch'}`, () => {
      if (connection.state !== 'open' || this.#life.breaksNow(connection)) return
      connection.activeAt = kernel.now
      if (plan.strikes('F9')) return
      this.#route(connection, text, method)
      const again = plan.strikes('F10')
      if (again) kernel.after(again.between(1, 3_000), 'frame again', () => this.#route(connection, text, method))
    })
  }

  /** Records what a frame requests: the checker compares it with what the server does. */
  #record(connection: Connection, message: unknown): void {
    const { expectations, responses, rights, expiryOf } = this.#environment
    for (const frame of framesOf(message)) {
      expectations.requested(connection, frame)
      responses.requested(connection, frame)
      rights.requested(connection.connectionId, frame)
      const { id, method, params = {} } = frame
      if (method === 'subscription') connection.requestedRefs.set(JSON.stringify(id), Number(params.ref ?? 1))
      if (method === 'subscription.stop') connection.requestedRefs.delete(JSON.stringify(id))
      if (method === 'auth')
        connection.authorityEnds = Math.max(connection.authorityEnds, expiryOf(String(params.token)))
    }
  }

  #route(connection: Connection, body: string, method: string): void {
    if (method === 'ping') {
      this.#sendToDevice(connection, '{"pong":true}')
      return
    }
    this.#invoke(connection, body, { method, isAnswered: true })
    if (this.#environment.plan.strikes('F21')) this.#invoke(connection, body, { method, isAnswered: false })
  }

  #invoke(
    connection: Connection,
    body: string,
    { method, isAnswered }: { readonly method: string; readonly isAnswered: boolean },
  ): void {
    const { plan, functions, rights, kicks } = this.#environment
    const { connectionId, authorizer } = connection
    const routeKey = oneWay.has(method) ? method : '$default'
    const requestContext = { ...requestContextOf(connection), authorizer, eventType: 'MESSAGE', routeKey }
    functions().invoke(
      'websocket',
      { requestContext, body },
      {
        returned: (value) => {
          const text = (value as { readonly body?: string }).body
          if (!isAnswered || routeKey !== '$default' || text === undefined || plan.strikes('F49')) return
          rights.sent(connectionId, text)
          if (connection.state === 'open') kicks.sent(connectionId)
          this.#sendToDevice(connection, text)
        },
        failed: (why) => {
          if (!isAnswered) return
          for (const name of generatorsOf(body)) connection.failedSubscribes.add(name)
          const message = why === 'timed-out' ? 'Endpoint request timed out' : 'Internal server error'
          this.#sendToDevice(connection, JSON.stringify({ message, connectionId, requestId: 'r' }))
        },
      },
    )
  }
}

interface Frame {
  readonly id?: unknown
  readonly method?: string
  readonly params?: {
    readonly ref?: unknown
    readonly token?: unknown
    readonly input?: { readonly name?: string }
  }
}

/** The frames of a message, which may be a batch. */
const framesOf = (message: unknown) => (Array.isArray(message) ? message : [message]) as readonly Frame[]

/** The names of the generators that a message subscribes to. */
function generatorsOf(body: string): readonly string[] {
  if (!body.includes('"subscription"')) return []
  return framesOf(JSON.parse(body)).flatMap(({ method, params }) => {
    const name = method === 'subscription' ? params?.input?.name : undefined
    return name === undefined ? [] : [name]
  })
}
