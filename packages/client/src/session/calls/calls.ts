import type { NewCall } from '../machine/events.ts'
import { sendFrame, sizeRefusal } from '../machine/send-frame.ts'
import { awaitsTime } from '../machine/server-time.ts'
import { hasSocket, type PendingCall, takesFrames } from '../machine/state.ts'
import type { Turn } from '../machine/transition.ts'
import { type LineError, type LineErrorCode, toLineError } from '../machine/trunkline-error.ts'
import { makeKey, toOption, withKey } from './idempotency-key.ts'
import { outboxRefusal } from './outbox.ts'

/** Takes a new call: sends it in this very tick, lets it wait for the socket or for its lane, or refuses it. */
export function admitCall(turn: Turn, call: NewCall) {
  const { state } = turn
  const goes = takesFrames(state) && !awaitsTime(state, call) && !isLaneTaken(state.calls, call.lane)
  const full = goes ? undefined : outboxRefusal(state.calls, call.bytes)
  if (full !== undefined) return refuse(turn, call, toLineError('OUTBOX_FULL', full))
  turn.arm({ kind: 'deadline', id: call.id }, call.timeoutMs)
  const pending: PendingCall = {
    ...call,
    phase: 'waiting',
    socket: state.socket,
    asksAgain: false,
    sends: 0,
    isLong: false,
    refusals: 0,
    lastFailure: null,
  }
  if (goes) sendWaiting(turn, pending)
  else turn.putCall(pending)
}

/** Sends what waits, in the order in which it was made; of each lane only the first, whatever that one waits for. [TL-LANE-1] */
export function flushOutbox(turn: Turn): void {
  while (turn.moved && hasSocket(turn.state)) {
    turn.moved = false
    const taken = new Set<string>()
    for (const call of turn.state.calls.values()) {
      const isNext = call.lane === undefined || !taken.has(call.lane)
      const goes = call.phase === 'waiting' && isNext && !awaitsTime(turn.state, call)
      if (call.lane !== undefined) taken.add(call.lane)
      if (goes) sendWaiting(turn, call)
    }
  }
}

/** What expired authority refused goes out again. */
export function readmitCalls(turn: Turn): void {
  for (const call of turn.state.calls.values()) {
    if (call.phase === 'unauthorized') turn.putCall({ ...call, phase: 'waiting' })
  }
  turn.moved = true
}

/** A socket is gone, or all are: what may be sent again goes back to the outbox; other mutations fail, since the server may have run them. [TL-CALL-5] [TL-KEY-8] */
export function loseCalls(turn: Turn, why: string, socket?: number): void {
  for (const call of turn.state.calls.values()) {
    if (call.phase === 'waiting' || (socket !== undefined && !isOn(call, socket))) continue
    if (isAsked(call) && !call.resends) {
      failCall(turn, call, 'CONNECTION_LOST', `The socket was lost before the answer came: ${why}`)
      continue
    }
    turn.cancel({ kind: 'again', id: call.id })
    turn.putCall({ ...call, phase: 'waiting', asksAgain: false, mayHaveRun: mayHaveRun(call), lastFailure: null })
  }
  turn.moved = true
}

/** Fails every call, or those that were not sent. */
export function closeCalls(turn: Turn, line: LineError, which: 'all' | 'unsent' = 'all'): void {
  for (const call of turn.state.calls.values()) {
    if (which === 'unsent' && call.phase !== 'waiting') continue
    endCall(turn, call, line)
  }
}

/** Whether the server may have run it, in this attempt or one before. */
export function mayHaveRun(call: PendingCall): boolean {
  return call.mayHaveRun || isAsked(call)
}

/** Whether it is a mutation that has one effect however often it is sent. */
export function isKeyed({ method, resends }: PendingCall): boolean {
  return method === 'mutation' && resends
}

/** Whether the answer is awaited from a socket, at once or in time. */
function isAsked({ phase }: PendingCall): boolean {
  return phase === 'sent' || phase === 'running'
}

/** Whether an answer is awaited. */
export function hasCallsInFlight({ state }: Turn): boolean {
  for (const { phase } of state.calls.values()) if (phase !== 'waiting') return true
  return false
}

/** Whether the call awaits its answer on this socket. */
export function isOn(call: PendingCall, socket: number): boolean {
  return isAsked(call) && call.socket === socket
}

/** Rejects a call. An attempt before this one may have run whatever became of this one, and its key repeats it. */
export function refuse(
  turn: Turn,
  { id, key = null, mayHaveRun = false }: Pick<NewCall, 'id'> & Partial<Pick<NewCall, 'key' | 'mayHaveRun'>>,
  line: LineError,
  shape?: unknown,
): void {
  const ran = line.mayHaveRun || mayHaveRun
  const idempotencyKey = toOption(key, ran)
  const told = { ...line, mayHaveRun: ran, ...(idempotencyKey !== undefined && { idempotencyKey }) }
  turn.emit({ type: 'fail', id, failure: { line: told, shape } })
}

function isLaneTaken(calls: ReadonlyMap<number, PendingCall>, lane: string | undefined): boolean {
  if (lane !== undefined) for (const call of calls.values()) if (call.lane === lane) return true
  return false
}

function sendWaiting(turn: Turn, call: PendingCall): void {
  const tooLarge = sizeRefusal(call.bytes, turn.state.messageBytes) // hello may have lowered the limit
  if (tooLarge === undefined) sendCall(turn, call)
  else failCall(turn, call, 'TOO_LARGE', tooLarge)
}

/** Sends a call. Its key is made once, so that each attempt says the same. [TL-KEY-8] */
export function sendCall(turn: Turn, call: PendingCall): void {
  const { id, nonce, sends, text } = call
  const key = call.key ?? (nonce === null ? null : makeKey(turn.now + turn.state.aheadMs, nonce))
  const sent = { ...call, key, sends: sends + 1, mayHaveRun: mayHaveRun(call), asksAgain: false }
  turn.putCall({ ...sent, phase: 'sent', socket: turn.state.socket })
  sendFrame(turn, id, key === null ? text : withKey(text, key, sends > 0 || call.mayHaveRun))
}

/** Rejects a call by the line's own word. */
export function failCall(turn: Turn, call: PendingCall, code: LineErrorCode, message: string) {
  endCall(turn, call, toLineError(code, message))
}

/** Rejects a call; what became of its attempts says whether it may have run. */
export function endCall(turn: Turn, call: PendingCall, line: LineError, shape?: unknown): void {
  turn.dropCall(call.id)
  refuse(turn, call, { ...line, mayHaveRun: mayHaveRun(call) }, shape)
}
