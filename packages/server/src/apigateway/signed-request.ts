import type { WallClock } from '../ports/clock.ts'
import type { PostOutcome } from '../ports/gateway.ts'
import { type HttpResponse, headerOf } from './http-response.ts'
import { socketsTo } from './open-socket.ts'
import { toPostEnd, toPostFailure } from './outcome.ts'
import { RequestEnds } from './request-ends.ts'
import { type Identity, PostSigner } from './signature.ts'
import { type OpenSocket, SocketPool } from './socket-pool.ts'

/** The API that posts go to, and who signs them. */
export interface SignedTarget {
  readonly callbackUrl: URL
  /** The highest number of sockets. */
  readonly sockets: number
  readonly connectionTimeoutMs: number
  /** Milliseconds for all of a post, with the search for credentials and the wait for a socket. */
  readonly requestTimeoutMs: number
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
  /** Ends the post early. */
  readonly signal?: AbortSignal | undefined
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

const posted: PostOutcome = { status: 'posted' }

/**
 * Sends signed posts over kept-alive sockets. A post is the most frequent request of a line, and the SDK's command
 * takes several times the CPU time of this one. A post makes one promise, since each one costs more where an
 * `AsyncLocalStorage` is in use.
 */
export class SignedClient {
  readonly #target: SignedTarget
  readonly #pool: SocketPool
  readonly #signer: PostSigner
  readonly #ends: RequestEnds
  /** The machine's clock minus the API's, in milliseconds, when they differ so much that signatures are refused. */
  #skewMs = 0
  #identity: Identity | undefined
  #identityFoundAt = 0

  constructor(target: SignedTarget) {
    const { callbackUrl, clock = { now: () => Date.now() }, open = socketsTo(callbackUrl) } = target
    this.#target = target
    this.#pool = new SocketPool({ ...target, open, clock })
    this.#signer = new PostSigner(callbackUrl)
    this.#ends = new RequestEnds(target.requestTimeoutMs)
  }

  /** Resolves when the response has ended, or the post was ended early. Never rejects. */
  post(post: SignedPost): Promise<PostOutcome> {
    return new Promise((resolve) => {
      const { signal } = post
      let isDone = false
      const settle = (outcome: PostOutcome) => {
        if (isDone) return
        isDone = true
        this.#ends.delete(running, signal)
        resolve(outcome)
      }
      let cancel = () => {}
      const fail = (error: unknown) => settle(toPostFailure(error))
      const running = {
        end(reason: unknown) {
          settle(toPostEnd(reason))
          cancel()
        },
      }
      if (signal?.aborted) {
        settle(toPostEnd(signal.reason))
        return
      }
      const send = (identity: Identity) => {
        if (isDone) return
        const time = Date.now() - this.#skewMs
        const done = (response: HttpResponse) => (isSuccess(response) ? settle(posted) : fail(this.#toError(response)))
        cancel = this.#pool.send(this.#signer.sign(identity, { ...post, time }), { done, fail })
      }
      this.#ends.add(running, signal)
      this.#withIdentity(send, fail)
    })
  }

  #withIdentity(use: (identity: Identity) => void, fail: (error: unknown) => void): void {
    const age = Date.now() - this.#identityFoundAt
    if (this.#identity === undefined || age < 0 || age >= identityMs) {
      this.#findIdentity().then(use).catch(fail)
      return
    }
    try {
      use(this.#identity)
    } catch (error) {
      fail(error)
    }
  }

  async #findIdentity(): Promise<Identity> {
    const [credentials, region] = await Promise.all([this.#target.credentials(), this.#target.region()])
    this.#identity = { credentials, region }
    this.#identityFoundAt = Date.now()
    return this.#identity
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

/** API Gateway answers 200. serverless-offline answers 204, which the SDK takes for a success too. */
function isSuccess({ status }: HttpResponse): boolean {
  return status >= 200 && status < 300
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
