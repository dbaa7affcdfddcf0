import http, { type Agent, type ClientRequest } from 'node:http'
import https from 'node:https'
import type { Duplex } from 'node:stream'
import type { WallClock } from '../ports/sdk-client.ts'

const maxIdleMs = 2_000 // a function is frozen between its invocations, and its idle sockets may die meanwhile
const maxResends = 10 // more than the sockets that one request meets dead: the first of them closes all that are idle

/** Errors of requests that a dead socket lost: no byte of an answer came. */
const unsent = new WeakSet<object>()

/** What a dead socket ends with. The last two are Node's own, of a write to a socket that is closed already. */
const brokenCodes: ReadonlySet<unknown> = new Set([
  'ECONNRESET',
  'EPIPE',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_WRITE_AFTER_END',
])

export interface AgentOptions {
  /** At most, to one host. */
  readonly sockets: number
  /** @default the machine's */
  readonly clock?: WallClock | undefined
}

/**
 * Keep-alive agents that do not reuse a socket that was idle for more than 2 s. The limit goes by the wall clock and is checked
 * when a socket is chosen: the timers of a frozen process run late.
 */
export function createAgents({ sockets, clock = { now: () => Date.now() } }: AgentOptions) {
  const now = () => clock.now()
  const options = { keepAlive: true, maxSockets: sockets }
  return {
    httpAgent: limitIdle(new http.Agent(options), now),
    httpsAgent: limitIdle(new https.Agent(options), now),
  }
}

/** Whether a request failed since the socket that it reused was dead: ECONNRESET or EPIPE before any byte of an answer. */
export function wasNotSent(error: unknown): boolean {
  return typeof error === 'object' && error !== null && unsent.has(error)
}

/** An HTTP handler of an AWS client. */
interface Handler<Request, Options, Response> {
  handle(request: Request, options?: Options): Promise<Response>
}

/** Makes a handler send a request again that was not sent, up to ten times. It does so below the SDK's own retry, which has few attempts and pauses between them. */
export function resendUnsent<Request, Options, Response>(handler: Handler<Request, Options, Response>): void {
  const handle = handler.handle.bind(handler)
  handler.handle = async (request, options) => {
    for (let resends = 0; ; resends++) {
      try {
        return await handle(request, options)
      } catch (error) {
        if (resends === maxResends || !wasNotSent(error)) throw error
      }
    }
  }
}

/** The members of an agent that Node calls and its types leave out. */
type CallableAgent = Agent & { addRequest(request: ClientRequest, ...rest: readonly unknown[]): void }

function limitIdle(agent: Agent, now: () => number): Agent {
  const usedAt = new WeakMap<Duplex, number>()
  const isStale = (socket: Duplex) => {
    const idleMs = now() - (usedAt.get(socket) ?? Number.NaN)
    return !(idleMs >= 0 && idleMs <= maxIdleMs) // below 0: the clock was set back, and the idle time is not known
  }

  function closeIdle(mustClose: (socket: Duplex) => boolean): void {
    for (const free of Object.values(agent.freeSockets)) {
      for (const socket of free ?? []) if (mustClose(socket)) socket.destroy()
      // Node passes over destroyed sockets at the front alone, and would give one at the end to a request.
      free?.sort((a, b) => Number(b.destroyed) - Number(a.destroyed))
    }
  }

  function watch(request: ClientRequest): void {
    request.once('socket', (socket) => {
      const isReused = usedAt.has(socket)
      usedAt.set(socket, now())
      if (!isReused) return
      let isAnswered = false
      const onData = () => {
        isAnswered = true
      }
      socket.once('data', onData)
      request.once('close', () => socket.off('data', onData))
      request.once('error', (error: NodeJS.ErrnoException) => {
        if (isAnswered || !brokenCodes.has(error.code)) return
        unsent.add(error)
        closeIdle(() => true) // what was idle with it is dead too, most likely
      })
    })
  }

  // Before the agent's own listener, which keeps the socket or gives it to a request that waits.
  agent.prependListener('free', (socket: Duplex) => {
    // A request that took so long spanned a freeze.
    if (isStale(socket)) socket.destroy()
    else usedAt.set(socket, now())
  })
  const callable = agent as CallableAgent
  const addRequest = callable.addRequest.bind(agent)
  callable.addRequest = (request, ...rest) => {
    closeIdle(isStale)
    watch(request)
    addRequest(request, ...rest)
  }
  return agent
}
