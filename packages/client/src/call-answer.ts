import type { AnswerFrame, ErrorFrame } from '@trunkline/protocol'
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
  if (call.phase === 'paused' && hasSocket(turn.state)) sendCall(turn, call)
}

/** The call's deadline passed. */
export function expireCall(turn: Turn, call: PendingCall) {
  const { timeoutMs, gatewaySaid, phase } = call
  if (phase === 'sent' && gatewaySaid !== null)
    return failCall(turn, call, 'FUNCTION_FAILED', gatewayMessage(gatewaySaid))
  const { status } = turn.state
  const why = phase === 'waiting' && 'cause' in status ? ` ${status.cause.message}` : ''
  const what =
    phase === 'paused' ? 'was still running' : mayHaveRun(call) ? 'was sent but not answered' : 'could not be sent'
  failCall(turn, call, 'TIMEOUT', `The call ${what} within ${timeoutMs} ms.${why}`)
}

/** The gateway said something of no call in particular. [TL-GW-2] A call that is all there is in flight must be the one that is meant. */
export function noteGatewayFrame(turn: Turn, message: string, alone: boolean) {
  const sent = [...turn.state.calls.values()].filter((call) => isOn(call, turn.from))
  const [only] = sent
  if (alone && only !== undefined && sent.length === 1) {
    return failCall(turn, only, 'FUNCTION_FAILED', gatewayMessage(message))
  }
  for (const call of sent) turn.putCall({ ...call, gatewaySaid: message })
}

function gatewayMessage(said: string): string {
  return `The gateway said "${said}" while the call was in flight.`
}
