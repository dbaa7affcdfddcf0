import { type ChunkFrame, decodeServerMessage, type FrameId, type ServerFrame, sizeText } from '@trunkline/protocol'
import { endCall } from './calls/calls.ts'
import type { PartialMessage } from './machine/state.ts'
import type { Transition } from './machine/transition.ts'
import { toTrunklineError } from './machine/trunkline-error.ts'
import { endSubscription } from './subscriptions/subscriptions.ts'

const incomingMs = 30_000 // 30 s: a message that is still incomplete lost a chunk, and its frames are requested again

/**
 * Stores one chunk of a message and returns the message's frames when it is complete. A duplicate chunk changes
 * nothing.
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
  const held = fresh.filter((each) => each !== known)
  const parts = new Map(known?.parts).set(part, text)
  const isWhole = parts.size === of
  if (!isWhole) held.push({ name, since: known?.since ?? transition.now, parts })
  transition.patch({ incoming: newest(held, 2 * maxMessageBytes) })
  const decoded = decodeServerMessage(isWhole && joined(parts), maxMessageBytes)
  return decoded.ok ? decoded.frames : [] // [TL-BAD-6]
}

function joined(parts: PartialMessage['parts']): string {
  return Array.from(parts.keys(), (_, part) => parts.get(part)).join('')
}

/** [TL-CHUNK-10] Bounds the stored chunks, and drops the oldest messages first. */
function newest(held: readonly PartialMessage[], maxCharacters: number): readonly PartialMessage[] {
  let size = 0
  const dropped = held.findLastIndex(({ parts }) => {
    size += joined(parts).length
    return size > maxCharacters
  })
  return held.slice(dropped + 1)
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
