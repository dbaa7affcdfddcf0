import type { FrameId, HelloResult } from '@trunkline/protocol'
import { closeCalls } from '../calls/calls.ts'
import { requestServerTime, wasClockSet } from '../machine/server-time.ts'
import type { Transition } from '../machine/transition.ts'
import { toTrunklineError } from '../machine/trunkline-error.ts'
import { resetPositions, suspendSubscriptions } from '../subscriptions/subscriptions.ts'
import { handoverDelayMs, switchSockets } from './handover.ts'
import { armKeepalive, armWatch, keepAlive } from './keepalive.ts'
import { onRefusal } from './reconnect.ts'
import { resendWaiting, scheduleRenewal } from './renew-auth.ts'

const helloMs = 15_000 // 15 s: the server's first function may be cold
const stableMs = 5_000 // a socket that lived this long ends the back-off

/** Makes the session's first socket, or its first after a refusal. */
export function connect(transition: Transition): void {
  transition.patch({ phase: 'connecting', attempt: 0 })
  transition.setStatus({ status: 'connecting' })
  transition.patch({ socket: transition.connect() })
}

/** A socket is open: say hello, and nothing else before the answer. [TL-HELLO-1] It may be a refusal, and the calls would not be known to have run. */
export function onOpened(transition: Transition): void {
  const { phase, socket, handover } = transition.state
  if (transition.from === socket && phase === 'connecting') transition.patch({ phase: 'greeting', timeRequestId: null })
  else if (transition.from !== socket && handover?.phase === 'connecting')
    transition.patch({ handover: { ...handover, phase: 'greeting' } })
  else return
  transition.arm({ kind: 'hello' }, helloMs)
  const unanswered = transition.state.unanswered.filter(({ socket }) => socket !== transition.from) // of another socket under its number
  transition.patch({ unanswered })
  const id = transition.nextId('hello')
  transition.send({ id, method: 'hello' }, [id], transition.from)
}

/** Whether the socket that the event is of waits for the answer to its hello. */
export function isGreeting({ state, from }: Transition): boolean {
  return from === state.socket ? state.phase === 'greeting' : state.handover?.phase === 'greeting'
}

/** The server knows us: everything that waited goes out. */
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
  const { frameBytes, maxMessageBytes = frameBytes, batchSize = 1 } = limits
  const messageBytes = Math.min(maxMessageBytes, transition.state.maxMessageBytes)
  const aheadMs = time - transition.now
  transition.patch({
    phase: 'open',
    frameBytes,
    messageBytes,
    batchSize,
    transforms,
    aheadMs,
    openedAt: transition.now,
  })
  if (transition.state.status.status !== 'open') transition.setStatus({ status: 'open' })
  transition.arm({ kind: 'stable' }, stableMs)
  transition.arm({ kind: 'handover' }, handoverDelayMs(limits.lifetimeMs, transition.chance))
  armKeepalive(transition)
  armWatch(transition)
  scheduleRenewal(transition, authExpires)
  resendWaiting(transition)
  if (transition.state.timeRequestId !== null) requestServerTime(transition) // the clock was set after this hello was sent, or the socket that was asked is left
}

/** The answer to a `hello` that asked for the time alone. */
function onServerTime(transition: Transition, time: number): void {
  const { expires, renewal } = transition.state.auth
  transition.cancel({ kind: 'hello' })
  transition.patch({ aheadMs: time - transition.now, timeRequestId: null })
  transition.outboxDirty = true
  if (renewal === 'none') scheduleRenewal(transition, expires ?? undefined) // its timer may have slept
}

/** The clock was set, or the machine slept: what time it is at the server is asked before a key is made, and what was missed is asked for. [TL-HELLO-5] [TL-SYNC-6] */
export function checkClocks(transition: Transition): void {
  if (!wasClockSet(transition)) return
  if (transition.state.phase === 'greeting') transition.patch({ timeRequestId: '' }) // its hello may be answered with a time of before
  if (transition.state.phase !== 'open') return
  requestServerTime(transition)
  for (const each of transition.state.subscriptions.values())
    transition.putSubscription({ ...each, receivedAt: Number.NEGATIVE_INFINITY }) // what was said meanwhile may come late
  wake(transition)
}

/** Tries now instead of at `retryAt`; after a refusal, tries again. */
export function retryNow(transition: Transition) {
  const { phase, status, socket } = transition.state
  if (phase === 'refused') return connect(transition)
  if (status.status !== 'reconnecting' || phase !== 'connecting') return
  transition.cancel({ kind: 'retry' })
  transition.emit({ type: 'admit', socket })
}

/** The network or the user came back: a waiting socket tries at once, an open one proves that it survived and that nothing was missed [LAW-SYNC-HEADS]. */
export function wake(transition: Transition) {
  const { phase, probing, status } = transition.state
  if (phase === 'open' && !probing) keepAlive(transition)
  if (status.status === 'reconnecting') retryNow(transition)
}

/** A new session: what was in flight belongs to the old one. */
export function restart(transition: Transition) {
  const { phase } = transition.state
  if (phase === 'closed' || phase === 'closing') return
  transition.emit({ type: 'renew-session' })
  if (phase === 'idle') return
  closeCalls(transition, toTrunklineError('CLOSED', 'The connection was restarted by the application.'))
  suspendSubscriptions(transition, true)
  resetPositions(transition)
  transition.disconnect()
  transition.patch({ probing: false })
  connect(transition)
}
