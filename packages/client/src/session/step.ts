import { abandonCall } from './calls/call-answer.ts'
import { admitCall, flushOutbox, refuse } from './calls/calls.ts'
import { close, closedError, continueClosing } from './lifecycle/close.ts'
import { continueHandover } from './lifecycle/handover.ts'
import { connect, noteClocks, restart, retryNow, takeOpened, wake } from './lifecycle/handshake.ts'
import { takeLoss } from './lifecycle/reconnect.ts'
import { postponeRenewal, takeToken } from './lifecycle/renew-auth.ts'
import type { Effect } from './machine/effects.ts'
import type { SessionEvent } from './machine/events.ts'
import type { SessionState } from './machine/state.ts'
import { Turn } from './machine/transition.ts'
import { takeMessage } from './on-message.ts'
import { takeTimer } from './on-timer.ts'
import { flushResumes } from './subscriptions/resume.ts'
import { addSubscription, dropSubscription } from './subscriptions/subscriptions.ts'
import { flushFetches } from './subscriptions/sync.ts'

/** The whole client as one pure machine: what it knows and what happened make what it knows next and what is to be done, in order. */
export function step(
  state: SessionState,
  event: SessionEvent,
): { readonly state: SessionState; readonly effects: readonly Effect[] } {
  const turn = new Turn(state, event)
  noteClocks(turn)
  if (isKnown(turn)) take(turn, event)
  continueHandover(turn)
  flushResumes(turn)
  flushOutbox(turn)
  continueClosing(turn)
  flushFetches(turn)
  return { state: turn.state, effects: turn.effects }
}

/** What comes of a socket that was dropped is late. */
function isKnown({ from, state }: Turn): boolean {
  return from === state.socket || from === state.handover?.socket
}

function take(turn: Turn, event: SessionEvent) {
  const id = 'id' in event ? event.id : Number.NaN
  const call = turn.state.calls.get(id)
  const subscription = turn.state.subscriptions.get(id)
  switch (event.type) {
    case 'call':
      return whenTaken(turn, event.call, () => admitCall(turn, event.call))
    case 'subscribe':
      return whenTaken(turn, event.subscription, () => addSubscription(turn, event.subscription))
    case 'abort':
      return call && abandonCall(turn, call)
    case 'unsubscribe':
      return subscription && dropSubscription(turn, subscription)
    case 'retry-now':
      return retryNow(turn)
    case 'wake':
      return wake(turn)
    case 'restart':
      return restart(turn)
    case 'close':
      return close(turn)
    case 'token':
      return takeToken(turn, event.token)
    case 'token-failed':
      return postponeRenewal(turn)
    case 'opened':
      return takeOpened(turn)
    case 'lost':
      return takeLoss(turn, event.cause)
    case 'message':
      return takeMessage(turn, event.frames, event.size)
    case 'timer':
      return takeTimer(turn, event.timer)
  }
}

/** The first thing that is wanted opens the connection; after the last one nothing is taken. */
function whenTaken(turn: Turn, wanted: Parameters<typeof refuse>[1], admit: () => void) {
  const closed = closedError(turn.state)
  if (closed !== undefined) return refuse(turn, wanted, closed)
  admit()
  if (turn.state.phase === 'idle') connect(turn)
}
