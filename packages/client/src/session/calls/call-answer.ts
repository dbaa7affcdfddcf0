import type { AcceptedResult, AnswerFrame, ErrorFrame } from '@trunkline/protocol'
import { backoffMs } from '../machine/backoff.ts'
import { askTime } from '../machine/server-time.ts'
import { hasSocket, type PendingCall } from '../machine/state.ts'
import type { Turn } from '../machine/transition.ts'
import { fromWire, toLineError } from '../machine/trunkline-error.ts'
import { isAloneInFlight, settleFrame } from '../machine/unanswered.ts'
import { endCall, failCall, isKeyed, isOn, mayHaveRun, refuse, sendCall } from './calls.ts'

const pendingMs = 1_000 // when the server does not say when to ask again
/**
 * How often expired authority may refuse a call. A frame and its answer may come twice, and a renewal may be overtaken.
 * A mutation without a key is not sent a third time, since it may run.
 */
const refusalsTaken = (call: PendingCall) => (isKeyed(call) ? 5 : call.resends ? 3 : 2)

/**
 * Settles a call by its answer, or lets it wait where the server says that asking again helps. An id without a pending
 * call is handled elsewhere [TL-CALL-6]. Returns what the connection should do next.
 */
export function takeAnswer(turn: Turn, call: PendingCall, frame: AnswerFrame | ErrorFrame): 'renew-auth' | undefined {
  const { id } = call
  if ('result' in frame) {
    if (frame.result.type === 'accepted') takeAccepted(turn, call, frame.result)
    else {
      turn.dropCall(id)
      turn.emit({ type: 'answer', id, data: 'data' in frame.result ? frame.result.data : undefined })
    }
    return undefined
  }
  const isExpired = frame.line?.code === 'AUTH_EXPIRED'
  if (isExpired && call.phase === 'unauthorized') return undefined // a frame that came twice
  if (!isExpired || call.refusals + 1 >= refusalsTaken(call)) {
    takeError(turn, call, frame)
    return undefined
  }
  turn.putCall({ ...call, phase: 'unauthorized', refusals: call.refusals + 1 })
  return 'renew-auth'
}

function takeError(turn: Turn, call: PendingCall, { line: wire, error: shape }: ErrorFrame): void {
  const { id } = call
  if (wire?.code === 'PENDING' && call.resends) {
    pause(turn, { ...call, mayHaveRun: true, lastFailure: null }, wire.retryAfterMs ?? pendingMs) // [TL-KEY-5]
    return
  }
  // A key that was never sent before cannot be too old: the time that it was made of was wrong. [TL-KEY-11]
  const isNew = call.nonce !== null && call.sends === 1 && !call.mayHaveRun && call.refusals === 0
  if (wire?.code === 'KEY_EXPIRED' && isNew) {
    turn.putCall({ ...call, phase: 'waiting', key: null, sends: 0, refusals: 1 })
    askTime(turn)
    return
  }
  const line = wire === undefined ? undefined : fromWire(wire, shape)
  if (line?.code === 'FUNCTION_FAILED' && isKeyed(call)) {
    const failed = { ...call, mayHaveRun: call.mayHaveRun || line.mayHaveRun, lastFailure: { line, shape } }
    pause(turn, failed, Math.max(line.retryAfterMs ?? 0, backoffMs(call.sends, turn.chance))) // [TL-KEY-10]
    return
  }
  turn.dropCall(id)
  const ranBefore = call.mayHaveRun || (!call.resends && call.refusals > 0)
  if (line === undefined) turn.emit({ type: 'fail', id, failure: { shape } })
  else refuse(turn, { ...call, mayHaveRun: ranBefore }, line, shape)
}

/** Nothing is awaited; the call is sent again after a while. */
function pause(turn: Turn, call: PendingCall, ms: number): void {
  turn.putCall({ ...call, phase: 'paused' })
  turn.arm({ kind: 'again', id: call.id }, ms)
}

/** Asks again for the answer of a keyed mutation, under its key. [TL-KEY-5] [TL-KEY-10] */
export function askAgain(turn: Turn, call: PendingCall): void {
  const isAsked = call.phase === 'paused' || call.phase === 'running' || call.phase === 'sent'
  if (isAsked && hasSocket(turn.state)) sendCall(turn, call)
}

/** Nobody waits for this call any more. One that runs in a function of its own is told so; of any other there is nothing to tell. [TL-LONG-4] */
export function abandonCall(turn: Turn, call: PendingCall): void {
  turn.dropCall(call.id)
  if (call.isLong && hasSocket(turn.state)) sendCancel(turn, call.id, call.key ?? undefined)
}

/** Tells the server that a call is given up. [TL-LONG-4] */
export function sendCancel(turn: Turn, id: number, key: string | undefined): void {
  turn.send({ id, method: 'cancel', ...(key !== undefined && { params: { key } }) }, ['cancel'])
}

/** It runs, and no gateway limit counts any more. The answer is pushed; since a push can be lost, a keyed mutation asks for it now and then. [TL-LONG-5] */
function takeAccepted(turn: Turn, call: PendingCall, { askAfterMs }: AcceptedResult): void {
  turn.putCall({ ...call, phase: 'running', isLong: true, lastFailure: null })
  if (askAfterMs !== undefined && isKeyed(call)) turn.arm({ kind: 'again', id: call.id }, askAfterMs)
}

/** The call's deadline passed. */
export function expireCall(turn: Turn, call: PendingCall) {
  const { timeoutMs, lastFailure, phase, method } = call
  if (lastFailure) return endCall(turn, call, lastFailure.line, lastFailure.shape)
  const { status } = turn.state
  const why = phase === 'waiting' && 'cause' in status ? ` ${status.cause.message}` : ''
  const what =
    phase === 'paused' || phase === 'running'
      ? 'was still running'
      : mayHaveRun(call)
        ? 'was sent but not answered'
        : 'could not be sent'
  if (method === 'query') abandonCall(turn, call) // a mutation goes on: nobody said that it should not
  failCall(turn, call, 'TIMEOUT', `The call ${what} within ${timeoutMs} ms.${why}`)
}

/** The gateway said something of no call in particular. [TL-GW-2] A keyed mutation is asked for again; another call fails only when it must be the one that is meant. */
export function noteGatewayFrame(turn: Turn, message: string) {
  for (const call of turn.state.calls.values()) {
    if (call.phase !== 'sent' || !isOn(call, turn.from)) continue
    const line = toLineError('FUNCTION_FAILED', `The gateway said "${message}" before the answer came.`)
    const said = { ...call, lastFailure: { line } }
    const isMeant = isAloneInFlight(turn, call.id)
    if (isMeant) settleFrame(turn, call.id)
    if (isKeyed(call)) askLater(turn, said)
    else if (isMeant) failCall(turn, call, line.code, line.message)
    else turn.putCall(said)
  }
}

/** An error under id null came: the answers of keyed mutations may be what is missing. [TL-KEY-10] */
export function askKeyedAgain(turn: Turn): void {
  for (const call of turn.state.calls.values())
    if (call.phase === 'sent' && isOn(call, turn.from) && isKeyed(call)) askLater(turn, call)
}

/** Asks again after a back-off, unless that is due already: errors that come one after another must not put it off. [TL-KEY-10] */
function askLater(turn: Turn, call: PendingCall): void {
  turn.putCall({ ...call, asksAgain: true })
  if (!call.asksAgain) turn.arm({ kind: 'again', id: call.id }, backoffMs(call.sends, turn.chance))
}
