import type { AcceptedResult, AnswerFrame, ErrorFrame } from '@trunkline/protocol'
import { backoffMs } from '../machine/backoff.ts'
import { requestServerTime } from '../machine/server-time.ts'
import { canSend, type PendingCall } from '../machine/state.ts'
import type { Transition } from '../machine/transition.ts'
import { fromWire, toTrunklineError } from '../machine/trunkline-error.ts'
import { isAloneInFlight, settleFrame } from '../machine/unanswered.ts'
import { endCall, failCall, isKeyed, isOn, mayHaveRun, rejectRequest, sendCall } from './calls.ts'

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
export function onAnswer(
  transition: Transition,
  call: PendingCall,
  frame: AnswerFrame | ErrorFrame,
): 'renew-auth' | undefined {
  const { id } = call
  if ('result' in frame) {
    if (frame.result.type === 'accepted') onAccepted(transition, call, frame.result)
    else {
      transition.dropCall(id)
      transition.emit({ type: 'answer', id, data: 'data' in frame.result ? frame.result.data : undefined })
    }
    return undefined
  }
  const isExpired = frame.line?.code === 'AUTH_EXPIRED'
  if (isExpired && call.phase === 'unauthorized') return undefined // a frame that came twice
  if (!isExpired || call.refusals + 1 >= refusalsTaken(call)) {
    onError(transition, call, frame)
    return undefined
  }
  transition.putCall({ ...call, phase: 'unauthorized', refusals: call.refusals + 1 })
  return 'renew-auth'
}

function onError(transition: Transition, call: PendingCall, { line: wire, error: shape }: ErrorFrame): void {
  const { id } = call
  if (wire?.code === 'PENDING' && call.resends) {
    pause(transition, { ...call, mayHaveRun: true, lastFailure: null }, wire.retryAfterMs ?? pendingMs) // [TL-KEY-5]
    return
  }
  // A key that was never sent before cannot be too old: the time that it was made of was wrong. [TL-KEY-11]
  const isNew = call.nonce !== null && call.sends === 1 && !call.mayHaveRun && call.refusals === 0
  if (wire?.code === 'KEY_EXPIRED' && isNew) {
    transition.putCall({ ...call, phase: 'waiting', key: null, sends: 0, refusals: 1 })
    requestServerTime(transition)
    return
  }
  const line = wire === undefined ? undefined : fromWire(wire, shape)
  if (line?.code === 'FUNCTION_FAILED' && isKeyed(call)) {
    const failed = { ...call, mayHaveRun: call.mayHaveRun || line.mayHaveRun, lastFailure: { line, shape } }
    pause(transition, failed, Math.max(line.retryAfterMs ?? 0, backoffMs(call.sends, transition.chance))) // [TL-KEY-10]
    return
  }
  transition.dropCall(id)
  const ranBefore = call.mayHaveRun || (!call.resends && call.refusals > 0)
  if (line === undefined) transition.emit({ type: 'fail', id, failure: { shape } })
  else rejectRequest(transition, { ...call, mayHaveRun: ranBefore }, line, shape)
}

/** Nothing is awaited; the call is sent again after a while. */
function pause(transition: Transition, call: PendingCall, ms: number): void {
  transition.putCall({ ...call, phase: 'paused' })
  transition.arm({ kind: 'resend', id: call.id }, ms)
}

/** Asks again for the answer of a keyed mutation, under its key. [TL-KEY-5] [TL-KEY-10] */
export function resendCall(transition: Transition, call: PendingCall): void {
  const isUnsettled = call.phase === 'paused' || call.phase === 'running' || call.phase === 'sent'
  if (isUnsettled && canSend(transition.state)) sendCall(transition, call)
}

/** Nobody waits for this call any more. One that runs in a function of its own is told so; of any other there is nothing to tell. [TL-LONG-4] */
export function abandonCall(transition: Transition, call: PendingCall): void {
  transition.dropCall(call.id)
  if (call.isLong && canSend(transition.state)) sendCancel(transition, call.id, call.key ?? undefined)
}

/** Tells the server that a call is given up. [TL-LONG-4] */
export function sendCancel(transition: Transition, id: number, key: string | undefined): void {
  transition.send({ id, method: 'cancel', ...(key !== undefined && { params: { key } }) }, ['cancel'])
}

/** It runs, and no gateway limit counts any more. The answer is pushed; since a push can be lost, a keyed mutation asks for it now and then. [TL-LONG-5] */
function onAccepted(transition: Transition, call: PendingCall, { askAfterMs }: AcceptedResult): void {
  transition.putCall({ ...call, phase: 'running', isLong: true, lastFailure: null })
  if (askAfterMs !== undefined && isKeyed(call)) transition.arm({ kind: 'resend', id: call.id }, askAfterMs)
}

/** The call's deadline passed. */
export function expireCall(transition: Transition, call: PendingCall) {
  const { timeoutMs, lastFailure, phase, method } = call
  if (lastFailure) return endCall(transition, call, lastFailure.line, lastFailure.shape)
  const { status } = transition.state
  const why = phase === 'waiting' && 'cause' in status ? ` ${status.cause.message}` : ''
  const what =
    phase === 'paused' || phase === 'running'
      ? 'was still running'
      : mayHaveRun(call)
        ? 'was sent but not answered'
        : 'could not be sent'
  if (method === 'query') abandonCall(transition, call) // a mutation goes on: nobody said that it should not
  failCall(transition, call, 'TIMEOUT', `The call ${what} within ${timeoutMs} ms.${why}`)
}

/** The gateway said something of no call in particular. [TL-GW-2] A keyed mutation is asked for again; another call fails only when it must be the one that is meant. */
export function onGatewayError(transition: Transition, message: string) {
  for (const call of transition.state.calls.values()) {
    if (call.phase !== 'sent' || !isOn(call, transition.from)) continue
    const line = toTrunklineError('FUNCTION_FAILED', `The gateway said "${message}" before the answer came.`)
    const said = { ...call, lastFailure: { line } }
    const isMeant = isAloneInFlight(transition, call.id)
    if (isMeant) settleFrame(transition, call.id)
    if (isKeyed(call)) scheduleResend(transition, said)
    else if (isMeant) failCall(transition, call, line.code, line.message)
    else transition.putCall(said)
  }
}

/** An error under id null came: the answers of keyed mutations may be what is missing. [TL-KEY-10] */
export function scheduleKeyedResends(transition: Transition): void {
  for (const call of transition.state.calls.values())
    if (call.phase === 'sent' && isOn(call, transition.from) && isKeyed(call)) scheduleResend(transition, call)
}

/** Asks again after a back-off, unless that is due already: errors that come one after another must not put it off. [TL-KEY-10] */
function scheduleResend(transition: Transition, call: PendingCall): void {
  transition.putCall({ ...call, willResend: true })
  if (!call.willResend) transition.arm({ kind: 'resend', id: call.id }, backoffMs(call.sends, transition.chance))
}
