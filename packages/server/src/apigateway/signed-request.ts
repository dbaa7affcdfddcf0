import http from 'node:http'
import https from 'node:https'
import type { Credentials } from '../sdk/client-settings.ts'
import { wasNotSent } from '../sdk/keep-alive.ts'
import { DeadlineError } from '../sdk/request-deadline.ts'
import { PostSigner } from './signature.ts'

const maxResends = 10 // more than a request needs: the first dead socket closes all idle ones
const mostReasonBytes = 16_384

/** The API that requests go to, and who signs them. */
export interface SignedTarget {
  readonly callbackUrl: URL
  readonly agents: { readonly httpAgent: http.Agent; readonly httpsAgent: http.Agent }
  readonly connectionTimeoutMs: number
  /** The SDK's providers, which remember what they found until it expires. */
  readonly credentials: () => Promise<Credentials>
  readonly region: () => Promise<string>
}

/** One request to a connection. */
export interface SignedRequest {
  readonly method: 'POST'
  readonly connectionId: string
  readonly text: string
}

/** What ends a request early. */
export interface RequestLimits {
  /** Milliseconds for all of the request, with the search for credentials and the wait for a socket. */
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
}

/** A response that is not a success. It is named as the SDK names its errors. */
class ResponseError extends Error {
  override readonly name: string
  readonly $metadata: { readonly httpStatusCode: number }
  constructor(httpStatusCode: number, name: string, message: string) {
    super(message)
    this.name = name
    this.$metadata = { httpStatusCode }
  }
}

/** No connection in time, so nothing was sent. */
class ConnectionTimeoutError extends Error {
  readonly code = 'ECONNREFUSED'
  constructor(ms: number) {
    super(`No connection within ${ms} ms.`)
  }
}

/**
 * Sends signed requests over kept-alive sockets. A post is the most frequent request of a line, and the SDK's command
 * takes several times the CPU time of this one. A request that was not sent since its socket was dead is repeated.
 */
export class SignedClient {
  readonly #target: SignedTarget
  readonly #signer = new PostSigner()
  /** The path before the connection's id. */
  readonly #base: string
  /** The machine's clock minus the API's, in milliseconds, when they differ so much that signatures are refused. */
  #skewMs = 0

  constructor(target: SignedTarget) {
    this.#target = target
    this.#base = `${target.callbackUrl.pathname.replace(/\/$/, '')}/@connections/`
  }

  /** Resolves when the response has ended. Rejects with a `ResponseError` for a status that is not a success. */
  async send(request: SignedRequest, { timeoutMs, signal }: RequestLimits): Promise<void> {
    signal?.throwIfAborted()
    const attempt: Attempt = { ended: undefined, abort: undefined }
    const end = (reason: unknown) => {
      attempt.ended = { reason }
      attempt.abort?.(reason)
    }
    const timer = setTimeout(() => end(new DeadlineError(timeoutMs)), timeoutMs)
    const abort = () => end(signal?.reason)
    signal?.addEventListener('abort', abort, { once: true })
    try {
      const options = await this.#sign(request, attempt)
      await this.#sendSigned(options, request.text, attempt)
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
  }

  async #sign({ method, connectionId, text }: SignedRequest, attempt: Attempt): Promise<http.RequestOptions> {
    const { callbackUrl, credentials, region } = this.#target
    const known = await endedBy(attempt, Promise.all([credentials(), region()]))
    const path = this.#base + encodeURIComponent(connectionId)
    const target = { host: callbackUrl.host, credentials: known[0], region: known[1] }
    const headers = this.#signer.sign(target, { path, body: text, time: Date.now() - this.#skewMs })
    return { method, path, headers, ...addressOf(callbackUrl) }
  }

  async #sendSigned(options: http.RequestOptions, text: string, attempt: Attempt): Promise<void> {
    for (let resends = 0; ; resends++) {
      try {
        return await this.#sendOnce(options, text, attempt)
      } catch (error) {
        if (resends === maxResends || attempt.ended !== undefined || !wasNotSent(error)) throw error
      }
    }
  }

  #sendOnce(options: http.RequestOptions, text: string, attempt: Attempt): Promise<void> {
    const { callbackUrl, agents, connectionTimeoutMs } = this.#target
    return new Promise((resolve, reject) => {
      const request =
        callbackUrl.protocol === 'https:'
          ? https.request({ ...options, agent: agents.httpsAgent })
          : http.request({ ...options, agent: agents.httpAgent })
      attempt.abort = (reason) => {
        reject(reason)
        request.destroy()
      }
      request.on('error', reject)
      request.once('socket', (socket) => {
        if (!socket.connecting) return
        const timer = setTimeout(
          () => request.destroy(new ConnectionTimeoutError(connectionTimeoutMs)),
          connectionTimeoutMs,
        )
        socket.once('connect', () => clearTimeout(timer)).once('close', () => clearTimeout(timer))
      })
      request.once('response', (response) => {
        response.once('error', reject)
        if (response.statusCode === 200) response.once('end', resolve).resume()
        else this.#readFailure(response).then(reject, reject)
      })
      request.end(text)
      if (attempt.ended !== undefined) attempt.abort(attempt.ended.reason)
    })
  }

  async #readFailure(response: http.IncomingMessage): Promise<ResponseError> {
    const status = response.statusCode ?? 0
    let body = ''
    response.setEncoding('utf8')
    for await (const part of response) if (body.length < mostReasonBytes) body += part
    const serverTime = Date.parse(response.headers.date ?? '')
    if (status === 403 && Math.abs(Date.now() - this.#skewMs - serverTime) > maxSkewMs)
      this.#skewMs = Date.now() - serverTime // the next request is signed with the API's time
    const { name, message } = describe(response.headers['x-amzn-errortype'], body)
    return new ResponseError(status, name, message)
  }
}

/** The signature of a request holds for 5 minutes around its time. */
const maxSkewMs = 4 * 60_000

interface Attempt {
  ended: { readonly reason: unknown } | undefined
  abort: ((reason: unknown) => void) | undefined
}

/** Settles like `promise`, or rejects when the attempt ends first. */
function endedBy<T>(attempt: Attempt, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    attempt.abort = reject
    promise.then(resolve, reject)
  })
}

function addressOf({ hostname, port }: URL): { readonly host: string; readonly port?: string } {
  const host = hostname.replace(/^\[(.*)\]$/, '$1') // an IPv6 address
  return port === '' ? { host } : { host, port }
}

/** The error's name is in a header or in the body; the SDK takes `Unknown` for neither. */
function describe(
  header: string | string[] | undefined,
  text: string,
): { readonly name: string; readonly message: string } {
  const body = parse(text)
  const named = [header, body.__type, body.code].find((each) => typeof each === 'string' && each !== '')
  const name = typeof named === 'string' ? (named.split(/[,:]/)[0]?.replace(/^.*#/, '') ?? 'Unknown') : 'Unknown'
  const message = [body.message, body.Message].find((each) => typeof each === 'string')
  return { name, message: typeof message === 'string' ? message : 'UnknownError' }
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
