import { decodeServerMessage } from '@trunkline/protocol'
import type { Effect } from '../session/machine/effects.ts'
import { type Timer, timerName } from '../session/machine/events.ts'
import { onWake } from './network.ts'
import type { RunningSession } from './running-session.ts'
import { createSocketPool } from './socket-pool.ts'

/** Performs a session's effects on sockets, timers and observers. What they report goes to `dispatch`. */
export function createEffectPerformer(session: RunningSession): (effect: Effect) => void {
  const { options, environment, observers, dispatch } = session
  const timers = createTimers(environment.after, (timer) => dispatch({ type: 'timer', timer }))
  const sockets = createSocketPool(session, onText)
  const { onProtocolError = warn } = options
  let stopListening: (() => void) | undefined

  function perform(effect: Effect) {
    switch (effect.type) {
      case 'connect':
        stopListening ??= onWake(() => dispatch({ type: 'wake' }))
        return sockets.connect(effect.socket)
      case 'admit':
        return sockets.get(effect.socket)?.admit()
      case 'replace':
        return sockets.get(effect.socket)?.replace()
      case 'drop':
        return sockets.drop(effect.socket)
      case 'disconnect':
        stopListening?.()
        stopListening = undefined
        return sockets.dropAll()
      case 'send':
        // `false` is ignored: the socket is closing, and its loss settles the frames that were sent on it.
        return void sockets.get(effect.socket)?.send(effect.text)
      case 'renew-session':
        return sockets.renewSession()
      case 'ask-token':
        return void askToken()
      case 'arm':
        return timers.arm(effect.timer, effect.ms)
      case 'cancel':
        return timers.cancel(effect.timer)
      case 'cancel-all':
        return timers.cancelAll()
      case 'protocol-error':
        return observers.guard(() => onProtocolError(effect.message))
      case 'closed':
        return observers.onClosed()
      default:
        return observers.settle(effect)
    }
  }
  async function askToken(): Promise<void> {
    try {
      dispatch({ type: 'token', token: await options.token?.() })
    } catch {
      dispatch({ type: 'token-failed' }) // the session asks again soon; the application knows its own error
    }
  }
  function onText(socket: number, text: unknown, maxBytes?: number): void {
    const message = decodeServerMessage(text, maxBytes)
    if (!message.ok || message.frames.length === 0) return // [TL-BAD-6] ignored: deadlines and fetches repair the loss
    dispatch({ type: 'message', socket, frames: message.frames, size: (text as string).length }) // only a text decodes
  }
  return perform
}

/** The session's timers. Arming a timer again moves it; a cancelled timer never fires. */
function createTimers(after: (ms: number, fn: () => void) => () => void, fire: (timer: Timer) => void) {
  const running = new Map<string, () => void>()

  function cancelNamed(name: string): void {
    running.get(name)?.()
    running.delete(name)
  }
  return {
    arm(timer: Timer, ms: number): void {
      const name = timerName(timer)
      cancelNamed(name)
      const due = () => {
        running.delete(name)
        fire(timer)
      }
      running.set(name, after(ms, due))
    },
    cancel(timer: Timer): void {
      cancelNamed(timerName(timer))
    },
    cancelAll(): void {
      for (const name of [...running.keys()]) cancelNamed(name)
    },
  }
}

function warn(message: string): void {
  console.warn(`trunkline: ${message}`)
}
