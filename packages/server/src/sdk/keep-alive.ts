import type { Agent, ClientRequest } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WallClock } from '../ports/clock.ts'

const maxIdleMs = 2_000 // a function is frozen between invocations, and its idle sockets may be closed meanwhile
/** How often a request that was not sent is repeated. It needs fewer: the first dead socket closes all idle ones. */
export const maxResends = 10

/** Errors of requests that were not sent: their socket was dead, or never ready. */
const unsent = new WeakSet<object>()

/** The error codes of a dead socket. Node uses the last two for a write to a socket that is closed. */
const brokenCodes: ReadonlySet<unknown> = new Set([
  'ECONNRESET',
  'EPIPE',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_WRITE_AFTER_END',
])

/** The limits of the agents. */
export interface AgentOptions {
  /** The highest number of sockets to one host. */
  readonly sockets: number
  /** @default the machine's clock */
  readonly clock?: WallClock | undefined
}

/**
 * Creates keep-alive agents that do not reuse a socket that was idle for more than 2 s. They compare wall-clock times
 * when a socket is chosen, because timers of a frozen process run late.
 */
export function createAgents({ sockets, clock = { now: () => Date.now() } }: AgentOptions) {
  // loaded with the first client, since the init of a function needs none
  const [http, https] = [process.getBuiltinModule('node:http'), process.getBuiltinModule('node:https')]
  const now = () => clock.now()
  const options = { keepAlive: true, maxSockets: sockets }
  return {
    httpAgent: limitIdle(new http.Agent(options), now),
    httpsAgent: limitIdle(new https.Agent(options), now),
  }
}

/**
 * Whether a request was not sent because the socket that it reused was dead: it broke before a byte of the response
 * arrived. Or because its socket was never ready.
 */
export function wasNotSent(error: unknown): boolean {
  return typeof error === 'object' && error !== null && unsent.has(error)
}

/**
 * Marks the error of a request on a reused socket that got no byte of a response, unless the socket may have been alive.
 * Returns whether the request was not sent.
 */
export function markNotSent(error: NodeJS.ErrnoException): boolean {
  if (!brokenCodes.has(error.code)) return false
  unsent.add(error)
  return true
}

/** Marks the error of a socket that failed before its connection or its TLS handshake ended, by any code. */
export function markNeverReady(error: object): void {
  unsent.add(error)
}

/** Whether a socket must not be reused. Below 0 the clock was set back, and the idle time is not known. */
export function isIdleTooLong(idleMs: number): boolean {
  return !(idleMs >= 0 && idleMs <= maxIdleMs)
}

/** An HTTP handler of an AWS client. */
interface Handler<Request, Options, Response> {
  handle(request: Request, options?: Options): Promise<Response>
}

/**
 * Makes a handler repeat a request that was not sent, up to ten times. This is below the SDK's own retry, which has few
 * attempts and pauses between them.
 */
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

/** An agent with the method that Node calls and its types leave out. */
type CallableAgent = Agent & { addRequest(request: ClientRequest, ...rest: readonly unknown[]): void }

function limitIdle(agent: Agent, now: () => number): Agent {
  const usedAt = new WeakMap<Duplex, number>()
  const isStale = (socket: Duplex) => isIdleTooLong(now() - (usedAt.get(socket) ?? Number.NaN))

  /** No free socket is stale before this time, so that a request need not look at all of them. */
  let staleFrom = Number.NEGATIVE_INFINITY
  let latest = Number.NEGATIVE_INFINITY // the clock may be set back
  const touch = (socket: Duplex) => {
    const time = now()
    usedAt.set(socket, time)
    latest = Math.max(latest, time)
  }
  function closeStale(): void {
    const time = now()
    if (time >= latest && time <= staleFrom) return
    closeIdle(isStale)
    latest = time
    staleFrom = time + maxIdleMs
    for (const free of Object.values(agent.freeSockets))
      for (const socket of free ?? []) staleFrom = Math.min(staleFrom, (usedAt.get(socket) ?? time) + maxIdleMs)
  }

  function closeIdle(mustClose: (socket: Duplex) => boolean): void {
    for (const free of Object.values(agent.freeSockets)) {
      for (const socket of free ?? []) if (mustClose(socket)) socket.destroy()
      // Node skips destroyed sockets only at the front of the list, and would use one at the end.
      free?.sort((a, b) => Number(b.destroyed) - Number(a.destroyed))
    }
  }

  function watch(request: ClientRequest): void {
    request.once('socket', (socket) => {
      const isReused = usedAt.has(socket)
      touch(socket)
      if (!isReused) return
      let isAnswered = false
      const onData = () => {
        isAnswered = true
      }
      socket.once('data', onData)
      request.once('close', () => socket.off('data', onData))
      request.once('error', (error: NodeJS.ErrnoException) => {
        if (isAnswered || !markNotSent(error)) return
        closeIdle(() => true) // the other idle sockets are most likely dead too
      })
    })
  }

  // This listener is before the agent's own, which keeps the socket or assigns it to a waiting request.
  agent.prependListener('free', (socket: Duplex) => {
    // The process was frozen during a request that took so long.
    if (isStale(socket)) socket.destroy()
    else touch(socket)
  })
  const callable = agent as CallableAgent
  const addRequest = callable.addRequest.bind(agent)
  callable.addRequest = (request, ...rest) => {
    closeStale()
    watch(request)
    addRequest(request, ...rest)
  }
  return agent
}
