import type { Random } from '../../kernel/random.ts'
import type { HttpDoor } from '../http/http-door.ts'
import type { DeviceResponse } from '../http/http-messages.ts'
import type { DeviceClock } from './device-clock.ts'

/** A request of a device that is out. */
interface Flight {
  /** The connection that it names, or `hello`; undefined for one that only ends a connection. */
  readonly connection: string | undefined
  /** Ends it at the device without a response. */
  readonly fail: () => void
  /** True when nothing of it reaches the device any more. */
  isCut: boolean
}

/** The HTTP requests of a device: its `fetch`. */
export class DeviceRequests {
  readonly #device: string
  readonly #door: HttpDoor
  readonly #clock: DeviceClock
  readonly #random: Random
  readonly #isOnline: () => boolean
  readonly #flights = new Set<Flight>()

  constructor(
    options: { readonly name: string; readonly http: HttpDoor; readonly random: Random },
    { clock, isOnline }: { readonly clock: DeviceClock; readonly isOnline: () => boolean },
  ) {
    this.#device = options.name
    this.#door = options.http
    this.#random = options.random
    this.#clock = clock
    this.#isOnline = isOnline
  }

  /** The number of requests that are out, without those that only end a connection: nothing awaits them. */
  get out(): number {
    return [...this.#flights].filter(({ connection }) => connection !== undefined).length
  }

  /** The number of connections over HTTP that have requests out. */
  get connections(): number {
    return new Set([...this.#flights].flatMap(({ connection }) => connection ?? [])).size
  }

  /** The members of `fetch` that our client uses. */
  readonly fetch = ((_: string, init: RequestInit) =>
    new Promise<Response>((resolve, reject) => this.#send(init, resolve, reject))) as typeof fetch

  #send(init: RequestInit, resolve: (response: Response) => void, reject: (thrown: Error) => void): void {
    const { signal } = init
    const headers = lowerCase(init.headers as Readonly<Record<string, string>>)
    const fail = () => {
      this.#flights.delete(flight)
      reject(new TypeError('Failed to fetch'))
    }
    const connection = init.keepalive === true ? undefined : (headers['trunkline-connection'] ?? 'hello')
    const flight: Flight = { connection, fail, isCut: false }
    this.#flights.add(flight)
    signal?.addEventListener('abort', fail, { once: true })
    const whenHere = (fn: () => void) =>
      this.#clock.whenAwake(() => {
        if (!flight.isCut && this.#flights.has(flight)) fn()
      })
    if (!this.#isOnline()) return void this.#clock.after(this.#random.between(5, 500), () => whenHere(fail))
    this.#door.request(
      { device: this.#device, headers, body: String(init.body) },
      {
        lost: () => whenHere(fail),
        answered: (response, received) =>
          whenHere(() => {
            this.#flights.delete(flight)
            received()
            resolve(toResponse(response))
          }),
      },
    )
  }

  /** The network went: requests fail, or hang. */
  cut(): void {
    for (const flight of [...this.#flights]) {
      flight.isCut = true
      if (this.#random.chance(0.5)) flight.fail()
    }
  }
}

function lowerCase(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

/** The members of a response that our client reads. The platform's own class reads bodies by its own timers. */
function toResponse({ status, headers, body }: DeviceResponse): Response {
  return {
    status,
    headers: { get: (name: string) => headers[name.toLowerCase()] ?? null },
    text: async () => body,
  } as unknown as Response
}
