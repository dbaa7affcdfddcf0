import type { ConnectionCaller } from '../context/caller.ts'
import { startTimer } from '../context/deadline.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { isEnded } from './restrictions.ts'

/** A message is not answered later than 5 s after a kick: a look, and the time that its request may take. */
const lookMs = 3_500
const retryMs = 500

/** Watches whether the server ends the connection of a message that runs. Dispose it when the message is answered. */
export interface KickWatch extends Disposable {
  /** Aborts at the deadline of the message, or when the server has ended its connection. Procedures get it. */
  readonly signal: AbortSignal
  /** Whether the server has ended the connection: then nothing is posted to it any more. */
  readonly isKicked: boolean
}

/**
 * Reads the connection's row each 3.5 s, so that a message which is answered sooner costs no request. While the table
 * cannot be read, the message goes on. [LAW-REVOKE] [TL-KICK-2]
 */
export function watchKick(context: InvocationContext, caller: ConnectionCaller): KickWatch {
  const { clock, deadline } = context
  const ended = new AbortController()
  const since = clock.now()
  let isKicked = false
  let isDisposed = false
  let cancel = startTimer(clock, lookMs, look)
  const pass = () => ended.abort(deadline.signal.reason)
  if (deadline.signal.aborted) pass()
  else deadline.signal.addEventListener('abort', pass, { once: true })

  function look(): void {
    void isEnded(context, caller, since).then(
      (is) => (is ? kick() : again(lookMs)),
      () => again(retryMs),
    )
  }
  function again(ms: number): void {
    if (!isDisposed && !deadline.signal.aborted) cancel = startTimer(clock, ms, look)
  }
  function kick(): void {
    isKicked = true
    ended.abort(new Error('The server has ended the connection of this call.'))
  }
  return {
    signal: ended.signal,
    get isKicked() {
      return isKicked
    },
    [Symbol.dispose]() {
      isDisposed = true
      cancel()
      deadline.signal.removeEventListener('abort', pass)
    },
  }
}
