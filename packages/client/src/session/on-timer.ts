import { expireCall, resendCall } from './calls/call-answer.ts'
import { endFormerCalls } from './calls/calls.ts'
import { finishClosing } from './lifecycle/close.ts'
import { beginHandover, onDrainTimer } from './lifecycle/handover.ts'
import { retryNow, wake } from './lifecycle/handshake.ts'
import { armWatch, hasSlept, keepAlive } from './lifecycle/keepalive.ts'
import { dropSocket } from './lifecycle/reconnect.ts'
import { postponeRenewal, renewAuth } from './lifecycle/renew-auth.ts'
import type { Timer } from './machine/events.ts'
import { requestServerTime } from './machine/server-time.ts'
import type { Transition } from './machine/transition.ts'
import { onHoleTimer, onSilence } from './subscriptions/generator.ts'
import { onStartedTimer } from './subscriptions/subscriptions.ts'
import { onGapTimer } from './subscriptions/sync.ts'

/** Handles a timer that fired. A timer of a call or subscription that has ended does nothing. */
export function onTimer(transition: Transition, timer: Timer) {
  const id = 'id' in timer ? timer.id : Number.NaN
  const call = transition.state.calls.get(id)
  const subscription = transition.state.subscriptions.get(id)
  switch (timer.kind) {
    case 'retry':
      return retryNow(transition)
    case 'hello':
      return onHelloTimer(transition)
    case 'stable':
      return transition.patch({ attempt: 0 })
    case 'ping':
      return keepAlive(transition)
    case 'pong':
      return dropSocket(transition, { code: 'network', message: 'The server did not answer a keepalive.' })
    case 'watch':
      return onWatch(transition)
    case 'renew':
      return renewAuth(transition)
    case 'auth':
      return postponeRenewal(transition)
    case 'handover':
      return beginHandover(transition)
    case 'drain':
      return onDrainTimer(transition)
    case 'close':
      return transition.state.phase === 'closing' ? finishClosing(transition) : endFormerCalls(transition)
    case 'deadline':
      return call && expireCall(transition, call)
    case 'resend':
      return call && resendCall(transition, call)
    case 'started':
      return subscription && onStartedTimer(transition, subscription)
    case 'gap':
      if (subscription?.kind === 'generator') return onHoleTimer(transition, { ...subscription, fetch: 'none' })
      return subscription && onGapTimer(transition, subscription)
    case 'alive':
      return subscription && onSilence(transition, subscription)
  }
}

/**
 * Drops a socket whose first `hello` was not answered. A later `hello`, which only asks for the time, is sent again;
 * the keepalive detects a dead socket.
 */
function onHelloTimer(transition: Transition) {
  const { phase, handover } = transition.state
  if (phase === 'open' && handover?.phase !== 'greeting') return requestServerTime(transition)
  dropSocket(transition, { code: 'server', message: 'The server did not answer hello.' })
}

function onWatch(transition: Transition): void {
  if (hasSlept(transition)) wake(transition)
  armWatch(transition)
}
