import { isOn, requeueCalls } from '../calls/calls.ts'
import { isDraining, type SessionState } from '../machine/state.ts'
import type { Transition } from '../machine/transition.ts'
import { suspendSubscriptions } from '../subscriptions/subscriptions.ts'

const resumingMs = 10_000 // 10 s: how long subscriptions may take to start on the new socket
const settlingMs = 20_000 // 20 s: how long calls on the old socket are awaited after that
const minSocketLifeMs = 10_000 // 10 s: a hand-over never begins earlier, even when the server asks for one

/**
 * The delay until a hand-over, in milliseconds: 100 to 115 minutes for the gateway's limit of 120. The spread keeps
 * clients that connected together from reconnecting together.
 */
export function handoverDelayMs(lifetimeMs: number, chance: number): number {
  return Math.round(lifetimeMs * (5 / 6 + chance / 8))
}

/** [TL-HAND-1] Opens a second socket. The first one stays in use until the second is ready. */
export function beginHandover(transition: Transition): void {
  const { phase, handover, openedAt } = transition.state
  if (phase !== 'open' || handover !== null || transition.now - openedAt < minSocketLifeMs) return
  transition.cancel({ kind: 'handover' })
  transition.patch({ handover: { phase: 'connecting', socket: transition.connect() } })
}

/**
 * [TL-HAND-2] Makes the second socket the one in use after its `hello`. All subscriptions resume there by their
 * cursors.
 */
export function switchSockets(transition: Transition): void {
  const { socket, handover } = transition.state
  if (handover === null) return
  suspendSubscriptions(transition, false)
  transition.cancelSocketTimers()
  transition.patch({ socket: handover.socket, handover: { phase: 'resuming', socket }, probing: false })
  transition.arm({ kind: 'drain' }, resumingMs)
}

/** Drops the old socket when nothing is awaited on it. */
export function finishHandoverWhenIdle(transition: Transition): void {
  if (isDraining(transition.state) && !hasPendingWork(transition.state)) dropOldSocket(transition)
}

/** Stops waiting for the subscriptions at the first timeout, and for the calls at the second. */
export function onDrainTimer(transition: Transition) {
  const { handover } = transition.state
  if (handover?.phase === 'settling') return dropOldSocket(transition)
  if (handover?.phase !== 'resuming') return
  transition.patch({ handover: { ...handover, phase: 'settling' } })
  transition.arm({ kind: 'drain' }, settlingMs)
}

/** Drops the old socket. Its unanswered calls that may be sent again go to the new one. */
export function dropOldSocket(transition: Transition): void {
  const { handover } = transition.state
  if (handover === null) return
  transition.cancel({ kind: 'drain' })
  transition.patch({ handover: null })
  transition.emit({ type: 'drop', socket: handover.socket })
  requeueCalls(transition, 'the connection moved to another one.', (call) => isOn(call, handover.socket))
}

function hasPendingWork({ calls, subscriptions, handover }: SessionState): boolean {
  if (handover === null) return false
  for (const call of calls.values()) if (isOn(call, handover.socket)) return true
  if (handover.phase === 'resuming') for (const { phase } of subscriptions.values()) if (phase !== 'live') return true
  return false
}
