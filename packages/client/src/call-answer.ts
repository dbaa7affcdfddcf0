import type { AcceptedResult, AnswerFrame, ErrorFrame } from '@trunkline/protocol'
import { failCall, isOn, mayHaveRun, sendCall } from './calls.ts'
import { fromWire } from './line-error.ts'
import { hasSocket, type PendingCall } from './session-state.ts'
import type { Turn } from './turn.ts'

const pendingMs = 1_000 // when the server does not say when to ask again
const refusalsTaken = 3 // by expired authority: the second may be the first frame's, which came twice; the third came under a fresh one

/** Settles a call by its answer, or lets it wait where the server says that asking again helps. [TL-CALL-6]: an id that waits for nothing never comes here. */
export function takeAnswer(turn: Turn, call: PendingCall, frame: AnswerFrame | ErrorFrame): 'settled' | 'unauthorized' {
  const { id } = call
  if ('result' in frame) {
    if (frame.result.type === 'accepted') return takeAccepted(turn, call, frame.result)
    turn.dropCall(id)
    turn.emit({ type: 'answer', id, data: 'data' in frame.result ? frame.result.data : undefined })
    return 'settled'
  }
  const { line: wire, error: shape } = frame
  if (wire?.code === 'PENDING' && call.resends) {
    turn.putCall({ ...call, phase: 'paused' }) // [TL-KEY-5]
    turn.arm({ kind: 'again', id }, wire.retryAfterMs ?? pendingMs)
    return 'settled'
  }
  if (wire?.code === 'AUTH_EXPIRED' && call.phase === 'unauthorized') return 'settled' // a frame that came twice
  if (wire?.code === 'AUTH_EXPIRED' && call.refusals + 1 < refusalsTaken) {
    turn.putCall({ ...call, phase: 'unauthorized', refusals: call.refusals + 1 })
    return 'unauthorized'
  }
  const line = wire === undefined ? undefined : fromWire(wire, shape)
  turn.dropCall(id)
  turn.emit({ type: 'fail', id, failure: { shape, ...(line === undefined ? {} : { line }) } })
  return 'settled'
}

/** Asks again for the answer of a mutation that ran when it was last asked for: the same frame, key and all. [TL-KEY-5] */
export function askAgain(turn: Turn, call: PendingCall): void {
  if ((call.phase === 'paused' || call.phase === 'running') && hasSocket(turn.state)) sendCall(turn, call)
}

/** Nobody waits for this call any more. One that runs in a function of its own is told so; of any other there is nothing to tell. [TL-LONG-4] */
export function abandonCall(turn: Turn, call: PendingCall): void {
  turn.dropCall(call.id)
  if (call.isLong && hasSocket(turn.state)) sendCancel(turn, call.id, keyOf(call))
}

/** A call that was given up before it was known to be a long one. [TL-LONG-4] */
export function cancelStray(turn: Turn, id: number, { key }: AcceptedResult): void {
  sendCancel(turn, id, key)
}

function sendCancel(turn: Turn, id: number, key: string | undefined): void {
  turn.send({ id, method: 'cancel', ...(key === undefined ? {} : { params: { key } }) })
}

function keyOf({ text }: PendingCall): string | undefined {
  const { params } = JSON.parse(text) as { readonly params: { readonly key?: string } } // a frame of our own making
  return params.key
}

/** It runs, and no gateway limit counts any more. The answer is pushed; since a push can be lost, a keyed mutation asks for it now and then. [TL-LONG-5] */
function takeAccepted(turn: Turn, call: PendingCall, { askAfterMs }: AcceptedResult): 'settled' {
  turn.putCall({ ...call, phase: 'running', isLong: true, gatewaySaid: null })
  if (askAfterMs !== undefined && call.method === 'mutation' && call.resends)
    turn.arm({ kind: 'again', id: call.id }, askAfterMs)
  return 'settled'
}

/** The call's deadline passed. */
export function expireCall(turn: Turn, call: PendingCall) {
  const { timeoutMs, gatewaySaid, phase, method } = call
  if (phase === 'sent' && gatewaySaid !== null)
    return failCall(turn, call, 'FUNCTION_FAILED', gatewayMessage(gatewaySaid))
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

/** The gateway said something of no call in particular. [TL-GW-2] A call that is all there is in flight must be the one that is meant. */
export function noteGatewayFrame(turn: Turn, message: string, alone: boolean) {
  const sent = [...turn.state.calls.values()].filter((call) => call.phase === 'sent' && isOn(call, turn.from))
  const [only] = sent
  if (alone && only !== undefined && sent.length === 1) {
    return failCall(turn, only, 'FUNCTION_FAILED', gatewayMessage(message))
  }
  for (const call of sent) turn.putCall({ ...call, gatewaySaid: message })
}

function gatewayMessage(said: string): string {
  return `The gateway said "${said}" while the call was in flight.`
}
