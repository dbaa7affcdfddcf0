import { abandonCall } from './calls/call-answer.ts'
import { enqueueCall, flushOutbox, rejectRequest } from './calls/calls.ts'
import { close, closedError, finishClosingWhenIdle } from './lifecycle/close.ts'
import { finishHandoverWhenIdle } from './lifecycle/handover.ts'
import { checkClocks, connect, onOpened, restart, retryNow, signIn, wake } from './lifecycle/handshake.ts'
import { onSocketLost } from './lifecycle/reconnect.ts'
import { onToken, postponeRenewal } from './lifecycle/renew-auth.ts'
import { continueSignIn } from './lifecycle/sign-in.ts'
import type { Effect } from './machine/effects.ts'
import type { SessionEvent } from './machine/events.ts'
import type { SessionState } from './machine/state.ts'
import { Transition } from './machine/transition.ts'
import { onMessage } from './on-message.ts'
import { onTimer } from './on-timer.ts'
import { onUnanswered } from './on-unanswered.ts'
import { flushResumes } from './subscriptions/resume.ts'
import { addSubscription, dropSubscription } from './subscriptions/subscriptions.ts'
import { flushFetches, syncAll } from './subscriptions/sync.ts'

/** The result of a step: the next state and the effects to perform, in order. */
interface Step {
  readonly state: SessionState
  readonly effects: readonly Effect[]
}

/**
 * The client as one pure state machine. It reads no clock, no randomness and no network: `event` carries them. The given
 * state is not changed.
 */
export function step(state: SessionState, event: SessionEvent): Step {
  const subscriptions = [...state.subscriptions].map(([id, each]) => [id, { ...each }] as const)
  return stepInPlace({ ...state, calls: new Map(state.calls), subscriptions: new Map(subscriptions) }, event)
}

/**
 * The same step, but the maps of the given state become those of the next one, so that an event does not copy all
 * subscriptions. The caller must not use the given state again.
 */
export function stepInPlace(state: SessionState, event: SessionEvent): Step {
  const transition = new Transition(state, event)
  checkClocks(transition)
  // an event of a socket that was dropped is ignored
  if (transition.from === state.socket || transition.from === state.handover?.socket) onInput(transition, event)
  finishHandoverWhenIdle(transition)
  flushResumes(transition)
  flushOutbox(transition)
  continueSignIn(transition)
  finishClosingWhenIdle(transition)
  flushFetches(transition)
  return { state: transition.state, effects: transition.effects }
}

function onInput(transition: Transition, event: SessionEvent) {
  const id = 'id' in event ? event.id : Number.NaN
  const call = transition.state.calls.get(id)
  const subscription = transition.state.subscriptions.get(id)
  switch (event.type) {
    case 'call':
      return acceptOrReject(transition, event.call, () => enqueueCall(transition, event.call))
    case 'subscribe':
      return acceptOrReject(transition, event.subscription, () => addSubscription(transition, event.subscription))
    case 'abort':
      return call && abandonCall(transition, call)
    case 'unsubscribe':
      return subscription && dropSubscription(transition, subscription)
    case 'retry-now':
      return retryNow(transition)
    case 'wake':
      return wake(transition)
    case 'restart':
      return restart(transition)
    case 'sign-in':
      return signIn(transition, event.id)
    case 'close':
      return close(transition)
    case 'token':
      return onToken(transition, event.token)
    case 'token-failed':
      return postponeRenewal(transition)
    case 'opened':
      return onOpened(transition)
    case 'lost':
      return onSocketLost(transition, event.cause)
    case 'message':
      return onMessage(transition, event.frames, event.size)
    case 'unanswered':
      return onUnanswered(transition, event.frames)
    case 'poll':
      return void (transition.from === transition.state.socket && syncAll(transition))
    case 'timer':
      return onTimer(transition, event.timer)
  }
}

/** Accepts a call or subscription, and opens the connection with the first one. A closed connection rejects it. */
function acceptOrReject(transition: Transition, request: Parameters<typeof rejectRequest>[1], accept: () => void) {
  const closed = closedError(transition.state)
  if (closed !== undefined) return rejectRequest(transition, request, { line: closed })
  accept()
  if (transition.state.phase === 'idle') connect(transition)
}
