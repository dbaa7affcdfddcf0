import type { WallClock } from '../ports/clock.ts'
import { DeadlineError } from '../sdk/request-deadline.ts'
import { type HttpResponse, headerOf } from './http-response.ts'
import { socketsTo } from './open-socket.ts'
import type { HttpRequest } from './pooled-socket.ts'
import { type Identity, PostSigner } from './signature.ts'
import { type Attempt, type OpenSocket, SocketPool } from './socket-pool.ts'

/** The API that posts go to, and who signs them. */
export interface SignedTarget {
  readonly callbackUrl: URL
  /** The highest number of sockets. */
  readonly sockets: number
  readonly connectionTimeoutMs: number
  /** The SDK's providers, which remember what they found until it expires. */
  readonly credentials: () => Promise<Identity['credentials']>
  readonly region: () => Promise<string>
  /** @default the machine's clock */
  readonly clock?: WallClock | undefined
  /** @default sockets to the host of `callbackUrl` */
  readonly open?: OpenSocket
}

/** One message to a connection. */
export interface SignedPost {
  readonly connectionId: string
  readonly text: string
}

/** What ends a post early. */
export interface PostLimits {
  /** Milliseconds for all of the post, with the search for credentials and the wait for a socket. */
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

/** The signature of a request holds for 5 minutes around its time. */
const maxSkewMs = 4 * 60_000
/** How long an identity is used without asking the SDK's providers, which take a tenth of the time of a post. */
const identityMs = 1_000

/**
 * Sends signed posts over kept-alive sockets. A post is the most frequent request of a line, and the SDK's command takes
 * several times the CPU time of this one.
 */
export class SignedClient {
  readonly #target: SignedTarget
  readonly #pool: SocketPool
  readonly #signer: PostSigner
  /** The path before the connection's id. */
  readonly #base: string
  /** The machine's clock minus the API's, in milliseconds, when they differ so much that signatures are refused. */
  #skewMs = 0
  #identity: Identity | undefined
  #identityFoundAt = 0

  constructor(target: SignedTarget) {
    const { callbackUrl, clock = { now: () => Date.now() }, open = socketsTo(callbackUrl) } = target
    this.#target = target
    this.#pool = new SocketPool({ ...target, open, clock })
    this.#signer = new PostSigner(callbackUrl.host)
    this.#base = `${callbackUrl.pathname.replace(/\/$/, '')}/@connections/`
  }

  /** Resolves when the response has ended. Rejects with a `ResponseError` for a status that is not a success. */
  async send(post: SignedPost, { timeoutMs, signal }: PostLimits): Promise<void> {
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
      const identity = this.#knownIdentity() ?? (await endedBy(attempt, this.#findIdentity()))
      const response = await this.#pool.send(this.#sign(post, identity), attempt)
      if (response.status !== 200) throw this.#toError(response)
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
  }

  #knownIdentity(): Identity | undefined {
    const age = Date.now() - this.#identityFoundAt
    return age >= 0 && age < identityMs ? this.#identity : undefined
  }

  async #findIdentity(): Promise<Identity> {
    const [credentials, region] = await Promise.all([this.#target.credentials(), this.#target.region()])
    this.#identity = { credentials, region }
    this.#identityFoundAt = Date.now()
    return this.#identity
  }

  #sign({ connectionId, text }: SignedPost, identity: Identity): HttpRequest {
    const path = this.#base + encodeURIComponent(connectionId)
    return this.#signer.sign(identity, { path, body: text, time: Date.now() - this.#skewMs })
  }

  #toError(response: HttpResponse): ResponseError {
    const { status, body } = response
    if (status === 403) this.#identity = undefined // the credentials may have been replaced
    const serverTime = Date.parse(headerOf(response, 'date') ?? '')
    if (status === 403 && Math.abs(Date.now() - this.#skewMs - serverTime) > maxSkewMs)
      this.#skewMs = Date.now() - serverTime // the next post is signed with the API's time
    const text = Buffer.from(body, 'latin1').toString()
    const { name, message } = describe(headerOf(response, 'x-amzn-errortype'), text)
    return new ResponseError(status, name, message)
  }
}

/** Settles like `promise`, or rejects when the attempt ends first. */
function endedBy<T>(attempt: Attempt, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    attempt.abort = reject
    promise.then(resolve, reject)
  })
}

/** The error's name is in a header or in the body; the SDK takes `Unknown` for neither. */
function describe(header: string | undefined, text: string): { readonly name: string; readonly message: string } {
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
