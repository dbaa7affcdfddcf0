import type { FrameId, HelloResult } from '@trunkline/protocol'
import { closeCalls } from '../calls/calls.ts'
import { askTime, wasClockSet } from '../machine/server-time.ts'
import type { Turn } from '../machine/transition.ts'
import { toLineError } from '../machine/trunkline-error.ts'
import { loseSubscriptions, startAfresh } from '../subscriptions/subscriptions.ts'
import { handoverDelayMs, moveOver } from './handover.ts'
import { armKeepalive, armWatch, keepAlive } from './keepalive.ts'
import { takeRefusal } from './reconnect.ts'
import { noteAuthority, readmit } from './renew-auth.ts'

const helloMs = 15_000 // 15 s: the server's first function may be cold
const stableMs = 5_000 // a socket that lived this long ends the back-off

/** Makes the session's first socket, or its first after a refusal. */
export function connect(turn: Turn): void {
  turn.patch({ phase: 'connecting', attempt: 0 })
  turn.show({ status: 'connecting' })
  turn.patch({ socket: turn.connect() })
}

/** A socket is open: say hello, and nothing else before the answer. [TL-HELLO-1] It may be a refusal, and the calls would not be known to have run. */
export function takeOpened(turn: Turn): void {
  const { phase, socket, handover } = turn.state
  if (turn.from === socket && phase === 'connecting') turn.patch({ phase: 'greeting', timeAskedBy: null })
  else if (turn.from !== socket && handover?.phase === 'connecting')
    turn.patch({ handover: { ...handover, phase: 'greeting' } })
  else return
  turn.arm({ kind: 'hello' }, helloMs)
  const unanswered = turn.state.unanswered.filter(({ socket }) => socket !== turn.from) // of another socket under its number
  turn.patch({ unanswered })
  const id = turn.nextId('hello')
  turn.send({ id, method: 'hello' }, [id], turn.from)
}

/** Whether the socket that the event is of waits for the answer to its hello. */
export function isGreeting({ state, from }: Turn): boolean {
  return from === state.socket ? state.phase === 'greeting' : state.handover?.phase === 'greeting'
}

/** The server knows us: everything that waited goes out. */
export function takeHello(
  turn: Turn,
  id: FrameId,
  { limits, time, authExpires, refused, transformer: transforms }: HelloResult,
) {
  if (!isGreeting(turn)) {
    if (id === turn.state.timeAskedBy) takeTime(turn, time)
    return
  }
  turn.cancel({ kind: 'hello' })
  if (refused !== undefined) return takeRefusal(turn, { code: 'refused', message: refused })
  if (turn.from !== turn.state.socket) moveOver(turn)
  const { frameBytes, maxMessageBytes = frameBytes, batchSize = 1 } = limits
  const messageBytes = Math.min(maxMessageBytes, turn.state.mostBytes)
  const aheadMs = time - turn.now
  turn.patch({ phase: 'open', frameBytes, messageBytes, batchSize, transforms, aheadMs, openedAt: turn.now })
  if (turn.state.status.status !== 'open') turn.show({ status: 'open' })
  turn.arm({ kind: 'stable' }, stableMs)
  turn.arm({ kind: 'handover' }, handoverDelayMs(limits.lifetimeMs, turn.chance))
  armKeepalive(turn)
  armWatch(turn)
  noteAuthority(turn, authExpires)
  readmit(turn)
  if (turn.state.timeAskedBy !== null) askTime(turn) // the clock was set after this hello was sent, or the socket that was asked is left
}

/** The answer to a `hello` that asked for the time alone. */
function takeTime(turn: Turn, time: number): void {
  const { expires, renewal } = turn.state.authority
  turn.cancel({ kind: 'hello' })
  turn.patch({ aheadMs: time - turn.now, timeAskedBy: null })
  turn.moved = true
  if (renewal === 'none') noteAuthority(turn, expires ?? undefined) // its timer may have slept
}

/** The clock was set, or the machine slept: what time it is at the server is asked before a key is made, and what was missed is asked for. [TL-HELLO-5] [TL-SYNC-6] */
export function noteClocks(turn: Turn): void {
  if (!wasClockSet(turn)) return
  if (turn.state.phase === 'greeting') turn.patch({ timeAskedBy: '' }) // its hello may be answered with a time of before
  if (turn.state.phase !== 'open') return
  askTime(turn)
  for (const each of turn.state.subscriptions.values())
    turn.putSubscription({ ...each, heardAt: Number.NEGATIVE_INFINITY }) // what was said meanwhile may come late
  wake(turn)
}

/** Tries now instead of at `retryAt`; after a refusal, tries again. */
export function retryNow(turn: Turn) {
  const { phase, status, socket } = turn.state
  if (phase === 'refused') return connect(turn)
  if (status.status !== 'reconnecting' || phase !== 'connecting') return
  turn.cancel({ kind: 'retry' })
  turn.emit({ type: 'admit', socket })
}

/** The network or the user came back: a waiting socket tries at once, an open one proves that it survived and that nothing was missed (law 6). */
export function wake(turn: Turn) {
  const { phase, probing, status } = turn.state
  if (phase === 'open' && !probing) keepAlive(turn)
  if (status.status === 'reconnecting') retryNow(turn)
}

/** A new session: what was in flight belongs to the old one. */
export function restart(turn: Turn) {
  const { phase } = turn.state
  if (phase === 'closed' || phase === 'closing') return
  turn.emit({ type: 'renew-session' })
  if (phase === 'idle') return
  closeCalls(turn, toLineError('CLOSED', 'The connection was restarted by the application.'))
  loseSubscriptions(turn, true)
  startAfresh(turn)
  turn.disconnect()
  turn.patch({ probing: false })
  connect(turn)
}
