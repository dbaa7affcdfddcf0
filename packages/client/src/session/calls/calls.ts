import type { NewCall } from '../machine/events.ts'
import { sendFrame, sizeProblem } from '../machine/send-frame.ts'
import { awaitsServerTime } from '../machine/server-time.ts'
import { acceptsRequests, canSend, type PendingCall } from '../machine/state.ts'
import type { Transition } from '../machine/transition.ts'
import { type TrunklineError, type TrunklineErrorCode, toTrunklineError } from '../machine/trunkline-error.ts'
import { makeKey, toOption, withKey } from './idempotency-key.ts'
import { outboxProblem } from './outbox.ts'

/** Takes a new call: sends it in this very tick, lets it wait for the socket or for its orderingKey, or refuses it. */
export function enqueueCall(transition: Transition, call: NewCall) {
  const { state } = transition
  const goes =
    acceptsRequests(state) && !awaitsServerTime(state, call) && !isOrderingKeyInUse(state.calls, call.orderingKey)
  const full = goes ? undefined : outboxProblem(state.calls, call.bytes)
  if (full !== undefined) return rejectRequest(transition, call, toTrunklineError('OUTBOX_FULL', full))
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
  if (goes) sendWaiting(transition, pending)
  else transition.putCall(pending)
}

/** Sends what waits, in the order in which it was made; of each orderingKey only the first, whatever that one waits for. [TL-LANE-1] */
export function flushOutbox(transition: Transition): void {
  while (transition.outboxDirty && canSend(transition.state)) {
    transition.outboxDirty = false
    const taken = new Set<string>()
    for (const call of transition.state.calls.values()) {
      const isNext = call.orderingKey === undefined || !taken.has(call.orderingKey)
      const goes = call.phase === 'waiting' && isNext && !awaitsServerTime(transition.state, call)
      if (call.orderingKey !== undefined) taken.add(call.orderingKey)
      if (goes) sendWaiting(transition, call)
    }
  }
}

/** What expired authority refused goes out again. */
export function requeueUnauthorized(transition: Transition): void {
  for (const call of transition.state.calls.values()) {
    if (call.phase === 'unauthorized') transition.putCall({ ...call, phase: 'waiting' })
  }
  transition.outboxDirty = true
}

/** A socket is gone, or all are: what may be sent again goes back to the outbox; other mutations fail, since the server may have run them. [TL-CALL-5] [TL-KEY-8] */
export function requeueCalls(transition: Transition, why: string, socket?: number): void {
  for (const call of transition.state.calls.values()) {
    if (call.phase === 'waiting' || (socket !== undefined && !isOn(call, socket))) continue
    if (isAnswerPending(call) && !call.resends) {
      failCall(transition, call, 'CONNECTION_LOST', `The socket was lost before the answer came: ${why}`)
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

/** Fails every call, or those that were not sent. */
export function closeCalls(transition: Transition, line: TrunklineError, which: 'all' | 'unsent' = 'all'): void {
  for (const call of transition.state.calls.values()) {
    if (which === 'unsent' && call.phase !== 'waiting') continue
    endCall(transition, call, line)
  }
}

/** Whether the server may have run it, in this attempt or one before. */
export function mayHaveRun(call: PendingCall): boolean {
  return call.mayHaveRun || isAnswerPending(call)
}

/** Whether it is a mutation that has one effect however often it is sent. */
export function isKeyed({ method, resends }: PendingCall): boolean {
  return method === 'mutation' && resends
}

/** Whether the answer is awaited from a socket, at once or in time. */
function isAnswerPending({ phase }: PendingCall): boolean {
  return phase === 'sent' || phase === 'running'
}

/** Whether an answer is awaited. */
export function hasCallsInFlight({ state }: Transition): boolean {
  for (const { phase } of state.calls.values()) if (phase !== 'waiting') return true
  return false
}

/** Whether the call awaits its answer on this socket. */
export function isOn(call: PendingCall, socket: number): boolean {
  return isAnswerPending(call) && call.socket === socket
}

/** Rejects a call. An attempt before this one may have run whatever became of this one, and its key repeats it. */
export function rejectRequest(
  transition: Transition,
  { id, key = null, mayHaveRun = false }: Pick<NewCall, 'id'> & Partial<Pick<NewCall, 'key' | 'mayHaveRun'>>,
  line: TrunklineError,
  shape?: unknown,
): void {
  const ran = line.mayHaveRun || mayHaveRun
  const idempotencyKey = toOption(key, ran)
  const told = { ...line, mayHaveRun: ran, ...(idempotencyKey !== undefined && { idempotencyKey }) }
  transition.emit({ type: 'fail', id, failure: { line: told, shape } })
}

function isOrderingKeyInUse(calls: ReadonlyMap<number, PendingCall>, orderingKey: string | undefined): boolean {
  if (orderingKey !== undefined) for (const call of calls.values()) if (call.orderingKey === orderingKey) return true
  return false
}

function sendWaiting(transition: Transition, call: PendingCall): void {
  const tooLarge = sizeProblem(call.bytes, transition.state.messageBytes) // hello may have lowered the limit
  if (tooLarge === undefined) sendCall(transition, call)
  else failCall(transition, call, 'TOO_LARGE', tooLarge)
}

/** Sends a call. Its key is made once, so that each attempt says the same. [TL-KEY-8] */
export function sendCall(transition: Transition, call: PendingCall): void {
  const { id, nonce, sends, text } = call
  const key = call.key ?? (nonce === null ? null : makeKey(transition.now + transition.state.aheadMs, nonce))
  const sent = { ...call, key, sends: sends + 1, mayHaveRun: mayHaveRun(call), willResend: false }
  transition.putCall({ ...sent, phase: 'sent', socket: transition.state.socket })
  sendFrame(transition, id, key === null ? text : withKey(text, key, sends > 0 || call.mayHaveRun))
}

/** Rejects a call by the line's own word. */
export function failCall(transition: Transition, call: PendingCall, code: TrunklineErrorCode, message: string) {
  endCall(transition, call, toTrunklineError(code, message))
}

/** Rejects a call; what became of its attempts says whether it may have run. */
export function endCall(transition: Transition, call: PendingCall, line: TrunklineError, shape?: unknown): void {
  transition.dropCall(call.id)
  rejectRequest(transition, call, { ...line, mayHaveRun: mayHaveRun(call) }, shape)
}
