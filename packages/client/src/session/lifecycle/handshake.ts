import type { FrameId, HelloResult } from '@trunkline/protocol'
import { closeCalls, endFormerCalls } from '../calls/calls.ts'
import { requestServerTime, wasClockSet } from '../machine/server-time.ts'
import { isDraining } from '../machine/state.ts'
import type { Transition } from '../machine/transition.ts'
import { toTrunklineError } from '../machine/trunkline-error.ts'
import { resetPositions, suspendSubscriptions } from '../subscriptions/subscriptions.ts'
import { closedError, closingMs } from './close.ts'
import { dropOldSocket, handoverDelayMs, switchSockets } from './handover.ts'
import { armKeepalive, armWatch, keepAlive } from './keepalive.ts'
import { onRefusal } from './reconnect.ts'
import { resendWaiting, scheduleRenewal } from './renew-auth.ts'
import { finishSignIn } from './sign-in.ts'

const helloMs = 15_000 // 15 s: the server's function may have a cold start
const stableMs = 5_000 // 5 s: a socket that was open this long resets the back-off

/** Opens the session's first socket, or the first one after a refusal or a restart. */
export function connect(transition: Transition): void {
  transition.patch({ phase: 'connecting', attempt: 0 })
  transition.setStatus({ status: 'connecting' })
  transition.patch({ socket: transition.connect() })
}

/**
 * Sends `hello` on a socket that opened, and nothing else before its answer. [TL-HELLO-1] The answer may be a refusal,
 * and then it would be unknown whether calls have run.
 */
export function onOpened(transition: Transition): void {
  const { phase, socket, handover } = transition.state
  if (transition.from === socket && phase === 'connecting') transition.patch({ phase: 'greeting', timeRequestId: null })
  else if (transition.from !== socket && handover?.phase === 'connecting')
    transition.patch({ handover: { ...handover, phase: 'greeting' } })
  else return
  transition.arm({ kind: 'hello' }, helloMs)
  // A socket that reconnects keeps its number: frames of its previous connection get no answer.
  const unanswered = transition.state.unanswered.filter(({ socket }) => socket !== transition.from)
  transition.patch({ unanswered })
  const id = transition.nextId('hello')
  transition.send({ id, method: 'hello' }, [id], transition.from)
}

/** Whether the socket of the event waits for the answer to its first `hello`. */
export function isGreeting({ state, from }: Transition): boolean {
  return from === state.socket ? state.phase === 'greeting' : state.handover?.phase === 'greeting'
}

/** Handles the answer to `hello`: opens the session, schedules its timers and sends everything that waits. */
export function onHello(
  transition: Transition,
  id: FrameId,
  { limits, time, authExpires, refused, transformer: transforms }: HelloResult,
) {
  if (!isGreeting(transition)) {
    if (id === transition.state.timeRequestId) onServerTime(transition, time)
    return
  }
  transition.cancel({ kind: 'hello' })
  if (refused !== undefined) return onRefusal(transition, { code: 'refused', message: refused })
  if (transition.from !== transition.state.socket) switchSockets(transition)
  finishSignIn(transition)
  const { frameBytes, maxMessageBytes = frameBytes, batchSize = 1, pollMs } = limits
  const polls = pollMs !== undefined
  const messageBytes = Math.min(maxMessageBytes, transition.state.maxMessageBytes)
  const aheadMs = time - transition.now
  transition.patch({
    phase: 'open',
    frameBytes,
    messageBytes,
    batchSize,
    polls,
    transforms,
    aheadMs,
    openedAt: transition.now,
  })
  const { status } = transition.state
  const transport = polls ? 'http' : 'socket'
  if (status.status !== 'open' || status.transport !== transport) transition.setStatus({ status: 'open', transport })
  transition.arm({ kind: 'stable' }, stableMs)
  transition.arm({ kind: 'handover' }, handoverDelayMs(limits.lifetimeMs, transition.chance))
  armKeepalive(transition)
  armWatch(transition)
  scheduleRenewal(transition, authExpires)
  resendWaiting(transition)
  // The clock was set after this `hello` was sent, or the time was requested on the old socket.
  if (transition.state.timeRequestId !== null) requestServerTime(transition)
}

/** Handles the answer to a `hello` that only asked for the time. */
function onServerTime(transition: Transition, time: number): void {
  const { expires, renewal } = transition.state.auth
  transition.cancel({ kind: 'hello' })
  transition.patch({ aheadMs: time - transition.now, timeRequestId: null })
  transition.outboxDirty = true
  // its timer may have been suspended with the machine
  if (renewal === 'none') scheduleRenewal(transition, expires ?? undefined)
}

/**
 * Reacts when the clock was set or the machine was suspended: requests the server's time before another key is made,
 * and the events that were missed. [TL-HELLO-5] [TL-SYNC-6]
 */
export function checkClocks(transition: Transition): void {
  if (!wasClockSet(transition)) return
  // The answer to the pending `hello` may have a time from before the change, so the time is requested again after it.
  if (transition.state.phase === 'greeting') transition.patch({ timeRequestId: '' })
  if (transition.state.phase !== 'open') return
  requestServerTime(transition)
  // Frames of generators that were sent during the suspension may arrive late.
  for (const each of transition.state.subscriptions.values())
    transition.putSubscription({ ...each, receivedAt: Number.NEGATIVE_INFINITY })
  wake(transition)
}

/** Starts the next attempt now instead of at `retryAt`. After a refusal, connects again. */
export function retryNow(transition: Transition) {
  const { phase, status, socket } = transition.state
  if (phase === 'refused') return connect(transition)
  if (status.status !== 'reconnecting' || phase !== 'connecting') return
  transition.cancel({ kind: 'retry' })
  transition.emit({ type: 'admit', socket })
}

/**
 * Reacts when the network or the user came back. A waiting socket tries at once. An open socket sends a keepalive,
 * which checks that the socket works and that no event was missed [LAW-SYNC-HEADS].
 */
export function wake(transition: Transition) {
  const { phase, probing, status } = transition.state
  if (phase === 'open' && !probing) keepAlive(transition)
  if (status.status === 'reconnecting') retryNow(transition)
}

/**
 * Connects with a new session and a new token. An open connection stays until the new one is open, and its calls are
 * awaited; one that is not open is replaced. No token is sent on the old connection, since it may be of another
 * principal. [TL-SIGN-1]
 */
export function signIn(transition: Transition, id: number) {
  const { phase, signIns, auth } = transition.state
  const closed = phase === 'refused' ? undefined : closedError(transition.state)
  if (closed !== undefined) return transition.emit({ type: 'fail', id, failure: { line: closed } })
  const openedAt = Number.NEGATIVE_INFINITY // old enough for a hand-over
  transition.patch({ signIns: [...signIns, id], auth: { ...auth, renewal: 'none' }, openedAt })
  transition.emit({ type: 'renew-session' })
  endFormerCalls(transition, false)
  if (phase === 'open') {
    if (!isDraining(transition.state)) dropOldSocket(transition) // a new one, which may have the token from before
    transition.arm({ kind: 'close' }, closingMs)
  } else {
    transition.disconnect()
    connect(transition)
  }
}

/** Begins a new session. Calls of the old one fail; subscriptions start again without their positions. */
export function restart(transition: Transition) {
  const { phase } = transition.state
  if (phase === 'closed' || phase === 'closing') return
  transition.emit({ type: 'renew-session' })
  if (phase === 'idle') return
  closeCalls(transition, toTrunklineError('CLOSED', 'The application restarted the connection.'))
  suspendSubscriptions(transition, true)
  resetPositions(transition)
  transition.disconnect()
  transition.patch({ probing: false })
  connect(transition)
}
