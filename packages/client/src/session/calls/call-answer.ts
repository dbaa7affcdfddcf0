import type { AcceptedResult, AnswerFrame, ErrorFrame } from '@trunkline/protocol'
import { backoffMs } from '../machine/backoff.ts'
import { requestServerTime } from '../machine/server-time.ts'
import { canSend, type PendingCall } from '../machine/state.ts'
import type { Transition } from '../machine/transition.ts'
import { fromWire, toTrunklineError } from '../machine/trunkline-error.ts'
import { isAloneInFlight, settleFrame } from '../machine/unanswered.ts'
import { endCall, isKeyed, isOn, mayHaveRun, rejectRequest, sendCall } from './calls.ts'

const pendingMs = 1_000 // 1 s: the delay when the server gives none
/**
 * A call fails at this number of AUTH_EXPIRED refusals. A frame and its answer may arrive twice, and an
 * old refusal may arrive after a renewal. A mutation without a key is not sent a third time, since it may have run.
 */
const maxRefusals = (call: PendingCall) => (isKeyed(call) ? 5 : call.resends ? 3 : 2)

/**
 * Settles a call by its answer, or keeps it pending when the server says that a repeat can succeed. An id without a
 * pending call is handled elsewhere [TL-CALL-6]. Returns what the session must do next.
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
  if (isExpired && call.phase === 'unauthorized') return undefined // a duplicate frame
  if (!isExpired || call.refusals + 1 >= maxRefusals(call)) {
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
  // A new key cannot be too old, so the server time in it was wrong: ask for the time and make another key. [TL-KEY-11]
  const isNew = call.nonce !== null && call.sends === 1 && !call.mayHaveRun && call.refusals === 0
  if (wire?.code === 'KEY_EXPIRED' && isNew) {
    transition.putCall({ ...call, phase: 'waiting', key: null, sends: 0, refusals: 1 })
    requestServerTime(transition)
    return
  }
  const line = wire === undefined ? undefined : fromWire(wire, shape)
  if (line?.code === 'NEEDS_SOCKET' && transition.state.mayUseSocket) {
    transition.putCall({ ...call, phase: 'unauthorized', lastFailure: { line, shape } }) // [TL-MOVE-6]
    return
  }
  if (line?.code === 'FUNCTION_FAILED' && isKeyed(call)) {
    const failed = { ...call, mayHaveRun: call.mayHaveRun || line.mayHaveRun, lastFailure: { line, shape } }
    pause(transition, failed, Math.max(line.retryAfterMs ?? 0, backoffMs(transition, call.sends))) // [TL-KEY-10]
    return
  }
  transition.dropCall(id) // also when the call was refused by a rate [TL-RATE-6]
  const ranBefore = call.mayHaveRun || (!call.resends && call.refusals > 0)
  if (line === undefined) transition.emit({ type: 'fail', id, failure: { shape } })
  else rejectRequest(transition, { ...call, mayHaveRun: ranBefore }, { line, shape })
}

/** Expects no answer, and sends the call again after `ms`. */
function pause(transition: Transition, call: PendingCall, ms: number): void {
  transition.putCall({ ...call, phase: 'paused' })
  transition.arm({ kind: 'resend', id: call.id }, ms)
}

/** Sends a call again under its key, to get its answer. [TL-KEY-5] [TL-KEY-10] */
export function resendCall(transition: Transition, call: PendingCall): void {
  const isUnsettled = call.phase === 'paused' || call.phase === 'running' || call.phase === 'sent'
  if (isUnsettled && canSend(transition.state)) sendCall(transition, call)
}

/** Drops a call that the application aborted. For a long call, also asks the server to cancel it. [TL-LONG-4] */
export function abandonCall(transition: Transition, call: PendingCall): void {
  transition.dropCall(call.id)
  if (call.isLong && canSend(transition.state)) sendCancel(transition, call.id, call.key ?? undefined)
}

/** Asks the server to cancel a call. [TL-LONG-4] */
export function sendCancel(transition: Transition, id: number, key: string | undefined): void {
  transition.send({ id, method: 'cancel', ...(key !== undefined && { params: { key } }) }, ['cancel'])
}

/**
 * The server runs the call in a function of its own, without the gateway's time limit, and pushes the answer. A push
 * can be lost, so a keyed mutation is sent again at intervals to get the answer. [TL-LONG-5]
 */
function onAccepted(transition: Transition, call: PendingCall, { askAfterMs }: AcceptedResult): void {
  transition.putCall({ ...call, phase: 'running', isLong: true, lastFailure: null })
  if (askAfterMs !== undefined && isKeyed(call)) transition.arm({ kind: 'resend', id: call.id }, askAfterMs)
}

/** Fails a call whose deadline passed, with its last error if there was one, else with TIMEOUT. */
export function expireCall(transition: Transition, call: PendingCall) {
  const { timeoutMs, lastFailure, phase, method } = call
  if (lastFailure) return endCall(transition, call, lastFailure)
  const { status } = transition.state
  const cause = phase === 'waiting' && 'cause' in status ? ` ${status.cause.message}` : ''
  const progress =
    phase === 'paused' || phase === 'running'
      ? 'was still running'
      : mayHaveRun(call)
        ? 'was sent but not answered'
        : 'could not be sent'
  // a long mutation is not cancelled: only the application may abort it
  if (method === 'query') abandonCall(transition, call)
  endCall(transition, call, {
    line: toTrunklineError('TIMEOUT', `The call ${progress} within ${timeoutMs} ms.${cause}`),
  })
}

/**
 * Handles an error frame of the gateway, which names no call. [TL-GW-2] Keyed mutations are sent again. Another call
 * fails only when no other frame is unanswered, so that the error must be about it.
 */
export function onGatewayError(transition: Transition, message: string) {
  for (const call of transition.state.calls.values()) {
    if (call.phase !== 'sent' || !isOn(call, transition.from)) continue
    const line = toTrunklineError('FUNCTION_FAILED', `The gateway reported "${message}".`)
    const failed = { ...call, lastFailure: { line } }
    const isCertain = isAloneInFlight(transition, call.id)
    if (isCertain) settleFrame(transition, call.id)
    if (isKeyed(call)) scheduleResend(transition, failed)
    else if (isCertain) endCall(transition, call, { line })
    else transition.putCall(failed)
  }
}

/** Sends keyed mutations again after an error with id null, since it may be about any of them. [TL-KEY-10] */
export function scheduleKeyedResends(transition: Transition): void {
  for (const call of transition.state.calls.values())
    if (call.phase === 'sent' && isOn(call, transition.from) && isKeyed(call)) scheduleResend(transition, call)
}

/**
 * Sends the call again after a back-off. Further errors do not postpone a resend that is already scheduled. [TL-KEY-10]
 */
function scheduleResend(transition: Transition, call: PendingCall): void {
  transition.putCall({ ...call, willResend: true })
  if (!call.willResend) transition.arm({ kind: 'resend', id: call.id }, backoffMs(transition, call.sends))
}
