import type { FaultPlan } from '../../kernel/fault-plan.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import type { Random } from '../../kernel/random.ts'
import type { Functions } from '../functions/functions.ts'
import type { HttpConnections, HttpRequestRecord } from './http-connections.ts'
import type { DeviceRequest, DeviceResponse } from './http-messages.ts'

/** What a device learns of a request; nothing at all for one that hangs. */
export interface RequestCallbacks {
  /** `received` is called if the request is still out: otherwise the device learns nothing. */
  readonly answered: (response: DeviceResponse, received: () => void) => void
  readonly lost: () => void
}

interface HandlerResponse {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const json = { 'content-type': 'application/json' }
const page = { 'content-type': 'text/html' }
const portal = '<html><body>Log in to the network.</body></html>'

/** The way from a device through a proxy and an HTTP API to the function `http`, and back. */
export class HttpDoor {
  readonly #kernel: Kernel
  readonly #plan: FaultPlan
  readonly #random: Random
  readonly #functions: () => Functions
  readonly #connections: HttpConnections
  #requests = 0

  constructor(options: {
    readonly kernel: Kernel
    readonly plan: FaultPlan
    readonly random: Random
    readonly functions: () => Functions
    readonly connections: HttpConnections
  }) {
    this.#kernel = options.kernel
    this.#plan = options.plan
    this.#random = options.random
    this.#functions = options.functions
    this.#connections = options.connections
  }

  /** Carries a request that a device sends. F56 loses it, F58 repeats it, and F59 refuses it before it runs. */
  request(request: DeviceRequest, callbacks: RequestCallbacks): void {
    const record = this.#connections.requested(request)
    const lost = this.#plan.strikes('F56')
    if (lost !== undefined) return void this.#lose(lost, callbacks)
    this.#kernel.after(this.#wayMs(), `request ${record.name}`, () => {
      const refused = this.#plan.strikes('F59')
      if (refused !== undefined) return void this.#answer(refuse(refused), callbacks)
      const again = this.#plan.strikes('F58')
      const isFirstAnswered = again === undefined || again.chance(0.5)
      const ignore: RequestCallbacks = { answered() {}, lost() {} }
      this.#invoke(record, request, isFirstAnswered ? callbacks : ignore)
      if (again === undefined) return
      this.#kernel.after(again.between(1, 3_000), `request ${record.name} again`, () =>
        this.#invoke(record, request, isFirstAnswered ? ignore : callbacks),
      )
    })
  }

  #invoke(record: HttpRequestRecord, { headers, body }: DeviceRequest, callbacks: RequestCallbacks): void {
    this.#requests += 1
    const requestContext = { requestId: `r${this.#requests}=`, http: { method: 'POST', sourceIp: '192.0.2.1' } }
    const event = { version: '2.0', rawPath: '/frames', rawQueryString: '', headers, body, requestContext }
    this.#functions().invoke(
      'http',
      { ...event, isBase64Encoded: false },
      {
        returned: (value) => {
          const { statusCode: status, headers, body } = value as HandlerResponse
          this.#connections.answered(record, { status, headers, body })
          this.#return(record, { status, headers, body }, callbacks)
        },
        failed: (why) => {
          const status = why === 'timed-out' ? 503 : 500
          const message = why === 'timed-out' ? 'Service Unavailable' : 'Internal Server Error'
          this.#return(record, { status, headers: json, body: JSON.stringify({ message }) }, callbacks)
        },
      },
    )
  }

  /** Carries a response. F57 loses it, and F60 replaces or cuts it. */
  #return(record: HttpRequestRecord, response: DeviceResponse, callbacks: RequestCallbacks): void {
    const lost = this.#plan.strikes('F57')
    if (lost !== undefined) return void this.#lose(lost, callbacks)
    const replaced = this.#plan.strikes('F60')
    if (replaced !== undefined) return void this.#answer(spoil(replaced, response), callbacks)
    this.#answer(response, callbacks, () => this.#connections.received(record, response))
  }

  #answer(response: DeviceResponse, { answered }: RequestCallbacks, received = () => {}): void {
    this.#kernel.after(this.#wayMs(), `response ${response.status}`, () => answered(response, received))
  }

  /** Half of the lost requests and responses fail soon; the others hang. */
  #lose(strike: Random, { lost }: RequestCallbacks): void {
    if (strike.chance(0.5)) this.#kernel.after(strike.between(5, 5_000), 'request lost', lost)
  }

  /** F61: a proxy holds a request or a response back for up to 12 s. */
  #wayMs(): number {
    return this.#plan.strikes('F61')?.between(100, 12_000) ?? this.#random.between(4, 60)
  }
}

/** The gateway refuses a request, and nothing of it runs. */
function refuse(strike: Random): DeviceResponse {
  const message = JSON.stringify({ message: 'Too Many Requests' })
  return strike.pick<DeviceResponse>([
    { status: 429, headers: { ...json, 'retry-after': String(1 + strike.int(5)) }, body: message },
    { status: 429, headers: json, body: message },
    { status: 503, headers: json, body: '{"message":"Service Unavailable"}' },
    { status: 407, headers: page, body: portal },
  ])
}

/** A proxy answers instead of the server, or cuts its answer. */
function spoil(strike: Random, { status, headers, body }: DeviceResponse): DeviceResponse {
  return strike.pick<DeviceResponse>([
    { status: 200, headers: page, body: portal },
    { status: 200, headers: json, body: '{"login":true}' },
    { status: 502, headers: json, body: '{"message":"Bad Gateway"}' },
    { status: 504, headers: page, body: portal },
    { status, headers, body: body.slice(0, strike.int(Math.max(1, body.length))) },
  ])
}
