import { defined } from '@trunkline/protocol'
import type { NewCall } from '../machine/events.ts'
import { sendFrame, sizeProblem } from '../machine/send-frame.ts'
import { awaitsServerTime } from '../machine/server-time.ts'
import { acceptsRequests, canSend, isOfFormerIdentity, type PendingCall, type SessionState } from '../machine/state.ts'
import type { Transition } from '../machine/transition.ts'
import { type TrunklineError, type TrunklineFailure, toTrunklineError } from '../machine/trunkline-error.ts'
import { makeKey, toOption, withKey } from './idempotency-key.ts'

/**
 * Sends a new call at once, or keeps it in the outbox until the socket and its ordering key are free, or rejects it.
 */
export function enqueueCall(transition: Transition, call: NewCall) {
  const { state } = transition
  const isSendable =
    acceptsRequests(state) && !awaitsServerTime(state, call) && !isOrderingKeyInUse(state.calls, call.orderingKey)
  const full = isSendable ? undefined : outboxProblem(state, call.bytes)
  if (full !== undefined)
    return rejectRequest(transition, call, {
      line: toTrunklineError('OUTBOX_FULL', `${full} Retry when the connection is open.`),
    })
  transition.arm({ kind: 'deadline', id: call.id }, call.timeoutMs)
  const pending: PendingCall = {
    ...call,
    phase: 'waiting',
    socket: state.socket,
    willResend: false,
    sends: 0,
    isLong: false,
    refusals: 0,
    lastFailure: null,
  }
  if (isSendable) sendWaiting(transition, pending)
  else transition.putCall(pending)
}

/**
 * Sends the waiting calls in the order in which they were made; of each ordering key only the first one. [TL-LANE-1]
 * During a sign-in they wait for the new connection. [TL-SIGN-2]
 */
export function flushOutbox(transition: Transition): void {
  while (transition.outboxDirty && canSend(transition.state) && transition.state.signIns.length === 0) {
    transition.outboxDirty = false
    const busyKeys = new Set<string>()
    for (const call of transition.state.calls.values()) {
      const isNext = call.orderingKey === undefined || !busyKeys.has(call.orderingKey)
      const isSendable = call.phase === 'waiting' && isNext && !awaitsServerTime(transition.state, call)
      if (call.orderingKey !== undefined) busyKeys.add(call.orderingKey)
      if (isSendable) sendWaiting(transition, call)
    }
  }
}

/** Puts the calls that were refused with AUTH_EXPIRED or NEEDS_SOCKET back into the outbox. */
export function requeueUnauthorized(transition: Transition): void {
  for (const call of transition.state.calls.values()) {
    if (call.phase === 'unauthorized') transition.putCall({ ...call, phase: 'waiting', lastFailure: null })
  }
  transition.outboxDirty = true
}

/**
 * Handles the loss of the answers of `isLost` calls, of all by default. Queries and keyed mutations go back into the
 * outbox. Other mutations that were sent fail, since the server may have run them. [TL-CALL-5] [TL-KEY-8]
 */
export function requeueCalls(
  transition: Transition,
  why: string,
  isLost: (call: PendingCall) => boolean = () => true,
): void {
  for (const call of transition.state.calls.values()) {
    if (call.phase === 'waiting' || !isLost(call)) continue
    if (isAnswerPending(call) && !call.resends) {
      endCall(transition, call, {
        line: toTrunklineError('CONNECTION_LOST', `The socket was lost before the answer: ${why}`),
      })
      continue
    }
    transition.cancel({ kind: 'resend', id: call.id })
    transition.putCall({
      ...call,
      phase: 'waiting',
      willResend: false,
      mayHaveRun: mayHaveRun(call),
      lastFailure: null,
    })
  }
  transition.outboxDirty = true
}

/** Fails all calls and sign-ins, or only the calls in the outbox. */
export function closeCalls(transition: Transition, line: TrunklineError, which: 'all' | 'unsent' = 'all'): void {
  if (which === 'all') settleSignIns(transition, line)
  for (const call of transition.state.calls.values()) {
    if (which === 'unsent' && call.phase !== 'waiting') continue
    endCall(transition, call, { line })
  }
}

/** Fails the calls from before a sign-in; without `all` only those in the outbox. [TL-SIGN-2] */
export function endFormerCalls(transition: Transition, all = true): void {
  const line = toTrunklineError('CLOSED', 'The application signed in before the answer.')
  for (const call of transition.state.calls.values())
    if (isOfFormerIdentity(transition.state, call.id) && (all || call.phase === 'waiting'))
      endCall(transition, call, { line })
}

/** Ends the sign-ins that are in progress, with an error if there is one. */
export function settleSignIns(transition: Transition, line?: TrunklineError): void {
  for (const id of transition.state.signIns)
    transition.emit(line ? { type: 'fail', id, failure: { line } } : { type: 'answer', id, data: undefined })
  transition.patch({ signIns: [] })
}

/** Whether the server may have run the call, in this attempt or an earlier one. */
export function mayHaveRun(call: PendingCall): boolean {
  return call.mayHaveRun || isAnswerPending(call)
}

/** Whether the call is a mutation with an idempotency key, so that it has one effect even when it is sent again. */
export function isKeyed({ method, resends }: PendingCall): boolean {
  return method === 'mutation' && resends
}

/** Whether the call was sent and its socket can still bring the answer. */
function isAnswerPending({ phase }: PendingCall): boolean {
  return phase === 'sent' || phase === 'running'
}

/** Whether a call was sent and is not settled. */
export function hasCallsInFlight({ state }: Transition): boolean {
  for (const { phase } of state.calls.values()) if (phase !== 'waiting') return true
  return false
}

/** Whether the call awaits its answer on `socket`. */
export function isOn(call: PendingCall, socket: number): boolean {
  return isAnswerPending(call) && call.socket === socket
}

/**
 * Rejects a call or a subscription. `mayHaveRun` is true when any attempt may have run; the error then has the key with
 * which the application can repeat the mutation.
 */
export function rejectRequest(
  transition: Transition,
  { id, key = null, mayHaveRun = false }: Pick<NewCall, 'id'> & Partial<Pick<NewCall, 'key' | 'mayHaveRun'>>,
  { line, shape }: TrunklineFailure,
): void {
  const ran = line.mayHaveRun || mayHaveRun
  const error = defined({ ...line, mayHaveRun: ran, idempotencyKey: toOption(key, ran) })
  transition.emit({ type: 'fail', id, failure: { line: error, shape } })
}

/** The error message for a full outbox; undefined when a call of `bytes` fits. Calls that were sent do not count. */
function outboxProblem({ calls, settings }: SessionState, bytes: number): string | undefined {
  const { maxMessages, maxBytes } = settings.outbox
  let waiting = 0
  let waitingBytes = bytes
  for (const call of calls.values()) {
    if (call.phase !== 'waiting') continue
    waiting += 1
    waitingBytes += call.bytes
  }
  if (waiting >= maxMessages) return `${waiting} calls wait to be sent; outbox.maxMessages is ${maxMessages}.`
  if (waitingBytes > maxBytes) return `${waitingBytes} bytes would wait to be sent; outbox.maxBytes is ${maxBytes}.`
  return undefined
}

function isOrderingKeyInUse(calls: ReadonlyMap<number, PendingCall>, orderingKey: string | undefined): boolean {
  if (orderingKey !== undefined) for (const call of calls.values()) if (call.orderingKey === orderingKey) return true
  return false
}

function sendWaiting(transition: Transition, call: PendingCall): void {
  const tooLarge = sizeProblem(call.bytes, transition.state.messageBytes) // `hello` may have lowered the limit
  if (tooLarge === undefined) sendCall(transition, call)
  else endCall(transition, call, { line: toTrunklineError('TOO_LARGE', tooLarge) })
}

/** Sends a call. Its key is made once, so that all attempts have the same key. [TL-KEY-8] */
export function sendCall(transition: Transition, call: PendingCall): void {
  const { id, nonce, sends, text } = call
  const key = call.key ?? (nonce === null ? null : makeKey(transition.now + transition.state.aheadMs, nonce))
  const sent = { ...call, key, sends: sends + 1, mayHaveRun: mayHaveRun(call), willResend: false }
  transition.putCall({ ...sent, phase: 'sent', socket: transition.state.socket })
  sendFrame(transition, key === null ? text : withKey(text, key, sends > 0 || call.mayHaveRun), { id })
}

/** Rejects a call with `line`. Whether it may have run depends on its attempts. */
export function endCall(transition: Transition, call: PendingCall, { line, shape }: TrunklineFailure): void {
  transition.dropCall(call.id)
  rejectRequest(transition, call, { line: { ...line, mayHaveRun: mayHaveRun(call) }, shape })
}
