import {
  type ChunkFrame,
  decodeServerMessage,
  type FrameId,
  partBytes,
  type ServerFrame,
  sizeText,
  utf8Bytes,
} from '@trunkline/protocol'
import { endCall } from './calls/calls.ts'
import type { PartialMessage } from './machine/state.ts'
import type { Transition } from './machine/transition.ts'
import { toTrunklineError } from './machine/trunkline-error.ts'
import { endSubscription } from './subscriptions/subscriptions.ts'

const incomingMs = 30_000 // 30 s: a message that is still incomplete lost a chunk, and its frames are requested again
const nameBytes = 64 // the name of a message [TL-CHUNK-2]

/**
 * Stores one chunk of a message and returns the message's frames when it is complete. A duplicate chunk changes
 * nothing. What a chunk declares is checked before anything of it is stored, so the work for a chunk is bounded.
 */
export function joinChunk(transition: Transition, { id, params }: ChunkFrame): readonly ServerFrame[] {
  const { message, part, of, bytes, text } = params
  const { maxMessageBytes, incoming } = transition.state
  if (bytes > maxMessageBytes) {
    rejectMessage(transition, id, sizeText(bytes, maxMessageBytes))
    return []
  }
  const name = `${transition.from} ${message}`
  const fresh = incoming.filter((each) => transition.now - each.since < incomingMs)
  const known = fresh.find((each) => each.name === name)
  const { parts: stored, since, held } = known ?? { parts: new Map<number, string>(), since: transition.now, held: 0 }
  if (stored.has(part)) return [] // [TL-CHUNK-6]
  const agrees = known === undefined || (known.of === of && known.bytes === bytes)
  if (!agrees || part >= of || of > 1 + bytes / partBytes || utf8Bytes(message) > nameBytes) {
    transition.emit({ type: 'protocol-error', message: 'The server sent a chunk that fits no message.' })
    return []
  }
  const parts = new Map(stored).set(part, text)
  const others = fresh.filter((each) => each !== known)
  if (parts.size < of) {
    others.push({ name, since, of, bytes, parts, held: held + Math.max(text.length, partBytes) })
    dropOldest(transition, others)
    return []
  }
  transition.patch({ incoming: others })
  const decoded = decodeServerMessage(Array.from(parts.keys(), (_, each) => parts.get(each)).join(''), bytes)
  return decoded.ok ? decoded.frames.filter(isNoChunk) : [] // [TL-BAD-6]
}

function isNoChunk(frame: ServerFrame): boolean {
  return !('method' in frame && frame.method === 'chunk')
}

/** [TL-CHUNK-10] Bounds the stored chunks, and drops the oldest messages first. */
function dropOldest(transition: Transition, messages: readonly PartialMessage[]): void {
  const most = 2 * transition.state.maxMessageBytes
  let size = 0
  const dropped = messages.findLastIndex(({ held }) => {
    size += held
    return size > most
  })
  transition.patch({ incoming: messages.slice(dropped + 1) })
  if (dropped >= 0)
    transition.emit({ type: 'protocol-error', message: `More than ${most} bytes of messages are unfinished.` })
}

/** [TL-CHUNK-4] Fails the call or subscription that the message belongs to: a repeat would be as large. */
function rejectMessage(transition: Transition, id: FrameId, message: string): void {
  // an id of the session's own frames is a string and matches none
  const call = transition.state.calls.get(id as number)
  const subscription = transition.state.subscriptions.get(id as number)
  const failure = { line: toTrunklineError('TOO_LARGE', message) }
  if (call !== undefined) endCall(transition, call, failure)
  if (subscription !== undefined) endSubscription(transition, subscription, failure)
}
