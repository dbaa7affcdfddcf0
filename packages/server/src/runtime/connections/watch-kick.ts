import type { ConnectionCaller } from '../context/caller.ts'
import { createController, startTimer } from '../context/deadline.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { isEnded } from './restrictions.ts'

/** A message is not answered later than 5 s after a kick: a look, and the time that its request may take. */
const lookMs = 3_500
const retryMs = 500

/** Watches whether the server ends the connection of a message that runs. Dispose it when the message is answered. */
export interface KickWatch extends Disposable {
  /**
   * Aborts at the deadline of the message, or when the server has ended its connection. Procedures get it. It is made
   * when it is first read.
   */
  readonly signal: AbortSignal
  /** Whether the server has ended the connection: then nothing is posted to it any more. */
  readonly isKicked: boolean
}

/**
 * Reads the connection's row each 3.5 s, so that a message which is answered sooner costs no request. While the table
 * cannot be read, the message goes on. [LAW-REVOKE] [TL-KICK-2]
 */
export function watchKick(context: InvocationContext, caller: ConnectionCaller): KickWatch {
  return new ConnectionWatch(context, caller)
}

class ConnectionWatch implements KickWatch {
  readonly #context: InvocationContext
  readonly #caller: ConnectionCaller
  readonly #since: number
  #ended: AbortController | undefined
  #isKicked = false
  #isDisposed = false
  /** Ends the timer of the next look. */
  #cancel: () => void
  /** Ends the wait for the deadline. */
  #release: (() => void) | undefined

  constructor(context: InvocationContext, caller: ConnectionCaller) {
    this.#context = context
    this.#caller = caller
    this.#since = context.clock.now()
    this.#cancel = startTimer(context.clock, lookMs, () => this.#look())
  }

  get isKicked(): boolean {
    return this.#isKicked
  }

  get signal(): AbortSignal {
    if (this.#ended !== undefined) return this.#ended.signal
    const ended = createController()
    this.#ended = ended
    if (this.#isKicked) ended.abort(kicked())
    this.#release = this.#context.deadline.onPass((reason) => ended.abort(reason))
    return ended.signal
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true
    this.#cancel()
    this.#release?.()
  }

  #look(): void {
    void isEnded(this.#context, this.#caller, this.#since).then(
      (is) => (is ? this.#kick() : this.#again(lookMs)),
      () => this.#again(retryMs),
    )
  }

  #again(ms: number): void {
    const { clock, deadline } = this.#context
    if (!this.#isDisposed && !deadline.isPassed) this.#cancel = startTimer(clock, ms, () => this.#look())
  }

  #kick(): void {
    this.#isKicked = true
    this.#ended?.abort(kicked())
  }
}

function kicked(): Error {
  return new Error('The server has ended the connection of this call.')
}
