// One file over 200 lines: each kind of answer changes the same connection.

import { type HelloResult, limits } from '@trunkline/protocol'
import type { ConnectionEnvironment } from '../connection/environment.ts'
import type { FallbackEndpoint, FallbackOptions } from '../connection/fallback.ts'
import { isOnline } from '../connection/network.ts'
import { endpointMs, withTimeout } from '../connection/socket.ts'
import { toError } from '../connection/to-error.ts'
import type { ConnectionCause } from '../session/machine/connection-state.ts'
import { type OutgoingFrame, toFrames } from './frames.ts'
import { LostRequests } from './lost-requests.ts'
import { watchPage } from './page.ts'
import { PollPace } from './poll-pace.ts'
import type { HttpAnswer } from './read-response.ts'
import { Requests, type Throttle, type Timing } from './requests.ts'

export interface HttpTransportOptions
  extends Pick<FallbackOptions, 'endpoint' | 'onOpen' | 'onLost' | 'onMessage' | 'onUnanswered' | 'onPoll'> {
  readonly environment: ConnectionEnvironment
  readonly fetch: typeof fetch
  readonly throttle: Throttle
  readonly url: () => Promise<string>
}

interface Answered {
  readonly id?: unknown
  readonly result?: { readonly type?: string; readonly data?: unknown } & Partial<Omit<HelloResult, 'type'>>
}

/** One connection over HTTP, from `hello` to its end. It behaves as a socket on which nothing is pushed. */
export class HttpTransport {
  readonly #options: HttpTransportOptions
  readonly #requests: Requests
  readonly #pace: PollPace
  readonly #stopWatching: () => void
  #identity: Pick<FallbackEndpoint, 'session' | 'token'> | undefined
  /** The public name of the connection, after `hello`. */
  #connection: string | undefined
  #isEnded = false
  readonly #lost: LostRequests
  /** The server's clock minus the monotonic clock. */
  #aheadMs = 0

  constructor(options: HttpTransportOptions) {
    const { environment, fetch, throttle, url } = options
    this.#options = options
    this.#lost = new LostRequests(environment.monotonic())
    this.#pace = new PollPace(environment, () => options.onPoll())
    this.#requests = new Requests({
      ...{ environment, fetch, throttle, url },
      headers: (frames) => this.#headers(frames),
      textOf: (frame) => (frame.method === 'sync' ? this.#pace.toPoll(frame) : frame.text),
      onAnswer: (frames, answer, timing) => this.#onAnswer(frames, answer, timing),
    })
    this.#stopWatching = watchPage({
      onLeave: () => this.#end({ code: 'network', message: 'The page was left.' }),
      onReturn: () => this.#onReturn(),
    })
  }

  /** Asks for the token, and reports `onOpen`. */
  async open() {
    const { endpoint, environment, onOpen } = this.#options
    try {
      const { session, token } = await withTimeout(environment.after, endpointMs, endpoint)
      this.#identity = { session, token }
    } catch (thrown) {
      return this.#end({ code: 'network', message: `The connection could not be opened: ${toError(thrown).message}` })
    }
    if (!this.#isEnded) onOpen()
  }

  send(text: string): boolean {
    if (this.#isEnded) return false
    this.#requests.add(toFrames(text, this.#connection === undefined))
    return true
  }

  /** Ends the connection. No callback is called any more. */
  close(): void {
    if (this.#isEnded) return
    this.#sayClose()
    this.#stop()
  }

  get #now(): number {
    return this.#options.environment.monotonic()
  }

  #headers(frames: readonly OutgoingFrame[]): Readonly<Record<string, string>> {
    const { session = '', token = null } = this.#identity ?? {}
    const opens = frames.some(({ group }) => group === 'hello')
    return {
      'Trunkline-Session': session,
      ...(opens && token !== null && { Authorization: `Bearer ${token}` }),
      ...(!opens && this.#connection !== undefined && { 'Trunkline-Connection': this.#connection }),
    }
  }

  #onAnswer(frames: readonly OutgoingFrame[], answer: HttpAnswer, timing: Timing) {
    switch (answer.kind) {
      case 'frames':
        return this.#onFrames(frames, answer)
      case 'gone':
        return this.#onGone(answer)
      case 'throttled':
        return this.#onThrottled(frames, answer.waitMs)
      case 'refused':
        return this.#onRefused(frames, answer)
      case 'lost':
        return this.#onRequestLost(frames, answer, timing)
    }
  }

  #onFrames(sent: readonly OutgoingFrame[], { text, frames, connection }: Extract<HttpAnswer, { kind: 'frames' }>) {
    const answers: readonly Answered[] = frames.map(Object)
    this.#lost.onAnswer(this.#now)
    const isHello = sent.some(({ group }) => group === 'hello')
    if (isHello && !this.#onHello(answers, connection)) return
    const ends = new Map(answers.flatMap(({ id, result }) => (result?.type === 'data' ? [[id, result.data]] : [])))
    for (const frame of sent) {
      if (frame.method === 'sync') this.#pace.onAnswer(frame, Object(ends.get(frame.id)))
      if (frame.group === 'call') this.#pace.onCall()
    }
    // The session may close the connection while it handles the answers.
    this.#options.onMessage(text, limits.responseBytes.value)
    const ids = new Set(answers.map(({ id }) => id))
    const missing = sent.filter(({ id, name }) => name !== undefined && !ids.has(id))
    if (missing.length > 0) this.#report(missing)
    if (this.#isEnded) return
    if (sent.some(({ method }) => method === 'mutation')) this.#pace.hasten()
    else if (answers.some(({ result }) => result?.type === 'started')) this.#pace.ensure(limits.pollMs.value)
  }

  /** Takes the name of the connection. Returns false when the answer opened none and refused none. */
  #onHello(answers: readonly Answered[], connection: string | null): boolean {
    const hello = answers.find(({ result }) => result?.type === 'hello')?.result
    if (hello?.refused !== undefined || hello === undefined) return true // the session handles it
    if (connection === null) {
      const message = 'Expected the header Trunkline-Connection, got none. Let your proxy pass it and CORS expose it.'
      this.#end({ code: 'server', message })
      return false
    }
    this.#connection = connection
    if (hello.time !== undefined) this.#aheadMs = hello.time - this.#now
    const { frameBytes = 0, batchSize = 1 } = hello.limits ?? {}
    this.#requests.setLimits({ frameBytes, batchSize })
    return true
  }

  /** [TL-HTTP-4] The server has ended the connection: the session opens another one, or is closed by a kick. */
  #onGone({ reason, message, until }: Extract<HttpAnswer, { kind: 'gone' }>) {
    this.#connection = undefined // there is nothing to close
    if (reason !== 'kicked') return this.#end({ code: 'server', message })
    const time = this.#now + this.#aheadMs
    const params = { reason: message, time, ...(until !== undefined && { until }) }
    this.#options.onMessage(JSON.stringify({ id: null, method: 'kicked', params }))
  }

  #onThrottled(frames: readonly OutgoingFrame[], waitMs: number): void {
    this.#lost.onThrottled(this.#now)
    this.#pace.slowDown()
    this.#requests.putBack(frames)
    this.#requests.wait(2, waitMs)
  }

  /** Fails calls and subscribes that no repeat can help. What the session sends by itself counts as lost. */
  #onRefused(frames: readonly OutgoingFrame[], { code, message }: Extract<HttpAnswer, { kind: 'refused' }>) {
    if (frames.some(({ group }) => group === 'hello')) return this.#end({ code: 'server', message })
    const line = { code, retry: 'never', mayHaveRun: false }
    const own = frames.filter(({ group }) => group === 'rest')
    const failed = frames.filter(({ group }) => group !== 'rest').map(({ id }) => ({ id, error: { message }, line }))
    if (failed.length > 0) this.#options.onMessage(JSON.stringify(failed))
    if (own.length > 0) this.#onRequestLost(own, { kind: 'lost', message, waitMs: 0 })
  }

  #onRequestLost(
    frames: readonly OutgoingFrame[],
    { message, waitMs }: Extract<HttpAnswer, { kind: 'lost' }>,
    timing: Timing = { sentAt: this.#now, slept: false },
  ) {
    const opens = frames.some(({ group }) => group === 'hello')
    if (this.#lost.onLost(timing, this.#now, opens)) {
      const why = `${this.#lost.count} HTTP requests in a row had no answer: ${message}`
      return this.#end(
        isOnline() ? { code: 'network', message: why } : { code: 'offline', message: 'The network is offline.' },
      )
    }
    this.#requests.wait(this.#lost.count, waitMs)
    if (opens) this.#requests.putBack(frames)
    else this.#report(frames)
  }

  /** Reports frames without an answer to the session, which sends them again or fails them. */
  #report(frames: readonly OutgoingFrame[]): void {
    if (frames.some(({ method }) => method === 'sync')) this.#pace.onLost()
    this.#options.onUnanswered(frames.flatMap(({ name }) => name ?? []))
  }

  #onReturn(): void {
    if (!this.#isEnded && this.#connection !== undefined) this.#pace.hasten()
  }

  #end(cause: ConnectionCause): void {
    if (this.#isEnded) return
    this.close()
    this.#options.onLost(cause)
  }

  #stop(): void {
    this.#isEnded = true
    this.#pace.stop()
    this.#requests.stop()
    this.#stopWatching()
  }

  /** Ends the connection on the server too, so that its presence does not have to expire. Nothing awaits the answer. */
  #sayClose(): void {
    if (this.#connection === undefined) return
    const headers = { 'Content-Type': 'application/json', ...this.#headers([]) }
    const request = {
      method: 'POST',
      headers,
      body: '[{"method":"close"}]',
      credentials: 'include',
      keepalive: true,
    } as const
    const { fetch, url } = this.#options
    this.#connection = undefined
    url()
      .then((href) => fetch(href, request))
      .catch(() => {})
  }
}
