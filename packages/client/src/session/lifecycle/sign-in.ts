import { endFormerCalls, settleSignIns } from '../calls/calls.ts'
import { isDraining, isOfFormerIdentity } from '../machine/state.ts'
import type { Transition } from '../machine/transition.ts'
import { beginHandover, dropOldSocket } from './handover.ts'

/** Opens the second socket of a sign-in when no call from before it awaits its answer. */
export function continueSignIn(transition: Transition): void {
  const { state } = transition
  if (state.signIns.length === 0) return
  for (const id of state.calls.keys()) if (isOfFormerIdentity(state, id)) return
  if (isDraining(state)) dropOldSocket(transition)
  beginHandover(transition)
}

/** Completes a sign-in after `hello`: nothing of the former identity continues. [TL-SIGN-1] [TL-SIGN-2] */
export function finishSignIn(transition: Transition): void {
  if (transition.state.signIns.length === 0) return
  endFormerCalls(transition)
  dropOldSocket(transition)
  settleSignIns(transition)
}
