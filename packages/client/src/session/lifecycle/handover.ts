import { isOn, requeueCalls } from '../calls/calls.ts'
import { isDraining, type SessionState } from '../machine/state.ts'
import type { Transition } from '../machine/transition.ts'
import { suspendSubscriptions } from '../subscriptions/subscriptions.ts'

const resumingMs = 10_000 // what subscriptions are given to start on the new socket
const settlingMs = 20_000 // what calls are given on the old one after that
const minSocketLifeMs = 10_000 // of a socket, whatever the server says

/** When to move to another socket: at 100 to 115 of the 120 minutes that the gateway lets one live, so that clients that came together do not leave together. */
export function handoverDelayMs(lifetimeMs: number, chance: number): number {
  return Math.round(lifetimeMs * (5 / 6 + chance / 8))
}

/** [TL-HAND-1] Opens a second socket beside the first, which goes on as before. */
export function beginHandover(transition: Transition): void {
  const { phase, handover, openedAt } = transition.state
  if (phase !== 'open' || handover !== null || transition.now - openedAt < minSocketLifeMs) return
  transition.cancel({ kind: 'handover' })
  transition.patch({ handover: { phase: 'connecting', socket: transition.connect() } })
}

/** [TL-HAND-2] The second socket was greeted: everything new goes there, and all subscriptions resume there by their cursors. */
export function switchSockets(transition: Transition): void {
  const { socket, handover } = transition.state
  if (handover === null) return
  suspendSubscriptions(transition, false)
  transition.cancelSocketTimers()
  transition.patch({ socket: handover.socket, handover: { phase: 'resuming', socket }, probing: false })
  transition.arm({ kind: 'drain' }, resumingMs)
}

/** Leaves the old socket once nothing is awaited there. */
export function finishHandoverWhenIdle(transition: Transition): void {
  if (isDraining(transition.state) && !hasPendingWork(transition.state)) dropOldSocket(transition)
}

/** What is awaited took too long: first the subscriptions are waited for no more, then the calls. */
export function onDrainTimer(transition: Transition) {
  const { handover } = transition.state
  if (handover?.phase === 'settling') return dropOldSocket(transition)
  if (handover?.phase !== 'resuming') return
  transition.patch({ handover: { ...handover, phase: 'settling' } })
  transition.arm({ kind: 'drain' }, settlingMs)
}

/** Ends the old socket: what was not answered there and may be sent again goes to the new one. */
export function dropOldSocket(transition: Transition): void {
  const { handover } = transition.state
  if (handover === null) return
  transition.cancel({ kind: 'drain' })
  transition.patch({ handover: null })
  transition.emit({ type: 'drop', socket: handover.socket })
  requeueCalls(transition, 'the connection moved to another one.', handover.socket)
}

function hasPendingWork({ calls, subscriptions, handover }: SessionState): boolean {
  if (handover === null) return false
  for (const call of calls.values()) if (isOn(call, handover.socket)) return true
  if (handover.phase === 'resuming') for (const { phase } of subscriptions.values()) if (phase !== 'live') return true
  return false
}
