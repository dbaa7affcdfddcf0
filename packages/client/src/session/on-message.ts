import type { AnswerFrame, ChunkFrame, ErrorFrame, ReconnectFrame, ServerFrame } from '@trunkline/protocol'
import { askKeyedAgain, noteGatewayFrame, sendCancel, takeAnswer } from './calls/call-answer.ts'
import { joinChunk } from './join-chunks.ts'
import { beginHandover } from './lifecycle/handover.ts'
import { isGreeting, takeHello } from './lifecycle/handshake.ts'
import { hastenKeepalive, noteLife } from './lifecycle/keepalive.ts'
import { giveUpSocket } from './lifecycle/reconnect.ts'
import { renewAuthority, takeAuthError, takeAuthorized } from './lifecycle/renew-auth.ts'
import type { Subscription } from './machine/state.ts'
import type { Turn } from './machine/transition.ts'
import { messageOf } from './machine/trunkline-error.ts'
import { noteAnswer, settleFrame } from './machine/unanswered.ts'
import { takeRunFailure } from './subscriptions/generator.ts'
import { takeSubscriptionError } from './subscriptions/on-subscription-error.ts'
import { takeFromOldSocket, takeSubscriptionFrame } from './subscriptions/on-subscription-frame.ts'
import { stopAgain } from './subscriptions/subscriptions.ts'
import { settleAnswer, takeSyncEnd } from './subscriptions/sync.ts'

/** Frames first, one by one; what their answers still lack is asked for behind the last. */
export function takeMessage(turn: Turn, frames: readonly ServerFrame[], size: number): void {
  const answered = new Set<number>()
  noteLife(turn)
  for (const frame of frames) takeFrame(turn, frame, size / frames.length, answered)
  for (const id of answered) {
    const subscription = turn.state.subscriptions.get(id)
    if (subscription !== undefined) settleAnswer(turn, subscription)
  }
}

function takeFrame(turn: Turn, frame: ServerFrame, size: number, answered: Set<number>) {
  if ('pong' in frame) return settleFrame(turn, 'ping') // {"pong":true}
  if ('connectionId' in frame) {
    const { message } = frame // {"message","connectionId","requestId"}
    return isGreeting(turn) ? failGreeting(turn, message) : noteGatewayFrame(turn, message)
  }
  if ('method' in frame) return takeMethod(turn, frame, answered)
  if (frame.id === null) return takeProtocolError(turn, frame.error) // {"id":null,"error"}
  noteAnswer(turn, frame)
  if ('result' in frame && frame.result.type === 'hello') return takeHello(turn, frame.id, frame.result)
  if (typeof frame.id === 'string') return takeOwnAnswer(turn, frame.id, frame)
  const call = turn.state.calls.get(frame.id)
  if (call !== undefined) return follow(turn, takeAnswer(turn, call, frame))
  const subscription = turn.state.subscriptions.get(frame.id)
  if (subscription === undefined) return takeStray(turn, frame.id, frame)
  if (turn.from !== turn.state.socket) return takeFromOldSocket(turn, subscription, frame, size)
  if ('error' in frame) return takeFailure(turn, subscription, frame, size)
  const next = takeSubscriptionFrame(turn, subscription, frame, size)
  if (next !== undefined) answered.add(frame.id)
  if (next === 'keepalive') hastenKeepalive(turn)
}

function takeFailure(turn: Turn, subscription: Subscription, frame: ErrorFrame, size: number) {
  if (frame.ref === undefined) follow(turn, takeSubscriptionError(turn, subscription, frame))
  else takeRunFailure(turn, subscription, frame, size)
}

/** Does what an answer asks of the connection. */
function follow(turn: Turn, next: 'renew-auth' | undefined): void {
  if (next === 'renew-auth') renewAuthority(turn)
}

/** The answer to a `hello` that failed, an `auth` or a `sync`, whose own answers are in the frames before this one. */
function takeOwnAnswer(turn: Turn, id: string, frame: AnswerFrame | ErrorFrame) {
  if ('result' in frame) {
    if (frame.result.type === 'authorized') takeAuthorized(turn, frame.result.authExpires)
    else takeSyncEnd(turn, id)
  } else if (isGreeting(turn)) failGreeting(turn, 'The server refused hello.')
  else if (id.startsWith('auth')) takeAuthError(turn, frame)
  else if (frame.line?.code === 'AUTH_EXPIRED') renewAuthority(turn)
}

/** A frame that bears a method: a part of a message, whose frames are taken when it is whole, or the one notice that there is. */
function takeMethod(turn: Turn, frame: ChunkFrame | ReconnectFrame, answered: Set<number>) {
  if (frame.method === 'reconnect') return takeNotice(turn) // {"id":null,"method":"reconnect"}
  const frames = joinChunk(turn, frame) // {"id","method":"chunk","params"}
  for (const each of frames) takeFrame(turn, each, frame.params.bytes / frames.length, answered)
}

/** The socket is about to be cut, by age or for a new deployment. */
function takeNotice(turn: Turn) {
  if (turn.from === turn.state.socket) beginHandover(turn)
}

/** A socket without a hello is of no use, and one that was to take over takes the other with it. [TL-HAND-3] */
function failGreeting(turn: Turn, message: string): void {
  giveUpSocket(turn, { code: 'server', message })
}

/** A frame for something that ended: an event means that the server still holds it. */
function takeStray(turn: Turn, id: number, frame: ServerFrame): void {
  if (!('result' in frame) || frame.result.type === 'stopped') return
  if (frame.result.type === 'accepted')
    sendCancel(turn, id, frame.result.key) // it was given up before it was known to be a long one [TL-LONG-4]
  else stopAgain(turn, id)
}

/** [TL-ERR-4] The server could not read the id of a frame: which call is meant is not known, so none is settled. */
function takeProtocolError(turn: Turn, shape: unknown) {
  const message = messageOf(shape) ?? JSON.stringify(shape)
  turn.emit({ type: 'protocol-error', message })
  if (isGreeting(turn)) failGreeting(turn, message)
  else askKeyedAgain(turn)
}
