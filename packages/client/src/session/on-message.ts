import type { AnswerFrame, ChunkFrame, ErrorFrame, KickedFrame, ReconnectFrame, ServerFrame } from '@trunkline/protocol'
import { onAnswer, onGatewayError, scheduleKeyedResends, sendCancel } from './calls/call-answer.ts'
import { joinChunk } from './join-chunks.ts'
import { beginHandover } from './lifecycle/handover.ts'
import { isGreeting, onHello } from './lifecycle/handshake.ts'
import { hastenKeepalive, onSocketActivity } from './lifecycle/keepalive.ts'
import { dropSocket, onKicked } from './lifecycle/reconnect.ts'
import { onAuthError, onAuthorized, renewAuth } from './lifecycle/renew-auth.ts'
import type { Subscription } from './machine/state.ts'
import type { Transition } from './machine/transition.ts'
import { messageOf } from './machine/trunkline-error.ts'
import { onFrameAnswered, settleFrame } from './machine/unanswered.ts'
import { onRunFailure } from './subscriptions/generator.ts'
import { onSubscriptionError } from './subscriptions/on-subscription-error.ts'
import { onFromOldSocket, onSubscriptionFrame } from './subscriptions/on-subscription-frame.ts'
import { stopAgain } from './subscriptions/subscriptions.ts'
import { onSyncEnd, settleAnswer } from './subscriptions/sync.ts'

/** Handles the frames of one message in order, then requests the events that the answers in it left out. */
export function onMessage(transition: Transition, frames: readonly ServerFrame[], size: number): void {
  onSocketActivity(transition)
  onFrames(transition, frames, size)
  for (const id of new Set(transition.answered)) {
    const subscription = transition.state.subscriptions.get(id)
    if (subscription !== undefined) settleAnswer(transition, subscription)
  }
}

/** Handles the frames of a message of `size` characters. */
function onFrames(transition: Transition, frames: readonly ServerFrame[], size: number): void {
  for (const frame of frames) {
    transition.frameSize = size / frames.length
    onFrame(transition, frame)
  }
}

function onFrame(transition: Transition, frame: ServerFrame) {
  if ('pong' in frame) return settleFrame(transition, 'ping') // {"pong":true}
  if ('connectionId' in frame) {
    const { message } = frame // {"message","connectionId","requestId"}
    return isGreeting(transition) ? failHandshake(transition, message) : onGatewayError(transition, message)
  }
  if ('method' in frame) return onMethod(transition, frame)
  if (frame.id === null) return onProtocolError(transition, frame.error) // {"id":null,"error"}
  onFrameAnswered(transition, frame)
  if ('result' in frame && frame.result.type === 'hello') return onHello(transition, frame.id, frame.result)
  if (typeof frame.id === 'string') return onSessionAnswer(transition, frame.id, frame)
  const call = transition.state.calls.get(frame.id)
  if (call !== undefined) return applyNextAction(transition, onAnswer(transition, call, frame))
  const subscription = transition.state.subscriptions.get(frame.id)
  if (subscription === undefined) return onUnknownId(transition, frame.id, frame)
  if (transition.from !== transition.state.socket) return onFromOldSocket(transition, subscription, frame)
  if ('error' in frame) return onFailure(transition, subscription, frame)
  const next = onSubscriptionFrame(transition, subscription, frame)
  if (next !== undefined) transition.answered.push(frame.id)
  if (next === 'keepalive') hastenKeepalive(transition)
}

function onFailure(transition: Transition, subscription: Subscription, frame: ErrorFrame) {
  if (frame.ref === undefined) applyNextAction(transition, onSubscriptionError(transition, subscription, frame))
  else onRunFailure(transition, subscription, frame)
}

/** Applies what the handler of an answer returned. */
function applyNextAction(transition: Transition, next: 'renew-auth' | undefined): void {
  if (next === 'renew-auth') renewAuth(transition)
}

/**
 * Handles the end of a failed `hello`, an `auth` or a `sync`. The results of a `sync` come in the frames before this
 * one.
 */
function onSessionAnswer(transition: Transition, id: string, frame: AnswerFrame | ErrorFrame) {
  if ('result' in frame) {
    if (frame.result.type === 'authorized') onAuthorized(transition, frame.result.authExpires)
    else onSyncEnd(transition, id, 'data' in frame.result ? frame.result.data : undefined)
  } else if (isGreeting(transition)) failHandshake(transition, 'The server refused hello.')
  else if (id.startsWith('auth')) onAuthError(transition, frame)
  else if (frame.line?.code === 'AUTH_EXPIRED') renewAuth(transition)
}

/** Handles a frame with a method: a chunk of a message, or a notice of the server. */
function onMethod(transition: Transition, frame: ChunkFrame | KickedFrame | ReconnectFrame) {
  if (frame.method === 'chunk') onFrames(transition, joinChunk(transition, frame), frame.params.bytes)
  else if (frame.method === 'kicked') onKicked(transition, frame.params)
  // the server is about to close the socket, because of its age or of a new deployment
  else if (transition.from === transition.state.socket) beginHandover(transition)
}

/** Drops a socket whose `hello` failed. During a hand-over, this drops both sockets. [TL-HAND-3] */
function failHandshake(transition: Transition, message: string): void {
  dropSocket(transition, { code: 'server', message })
}

/** Handles a frame for a call or subscription that ended. A push means that the server still has the subscription. */
function onUnknownId(transition: Transition, id: number, frame: ServerFrame): void {
  if (!('result' in frame) || frame.result.type === 'stopped') return
  if (frame.result.type === 'accepted')
    // the call was aborted before the client knew that it is a long one [TL-LONG-4]
    sendCancel(transition, id, frame.result.key)
  else stopAgain(transition, id)
}

/**
 * [TL-ERR-4] The server could not read the id of a frame. The client does not know which call failed, so it settles
 * none.
 */
function onProtocolError(transition: Transition, shape: unknown) {
  const message = messageOf(shape) ?? JSON.stringify(shape)
  transition.emit({ type: 'protocol-error', message })
  if (isGreeting(transition)) failHandshake(transition, message)
  else scheduleKeyedResends(transition)
}
