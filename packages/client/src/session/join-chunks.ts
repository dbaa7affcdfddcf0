import { type ChunkFrame, decodeServerMessage, type FrameId, type ServerFrame } from '@trunkline/protocol'
import { failCall } from './calls/calls.ts'
import type { PartialMessage } from './machine/state.ts'
import type { Transition } from './machine/transition.ts'
import { toTrunklineError } from './machine/trunkline-error.ts'
import { endSubscription } from './subscriptions/subscriptions.ts'

const incomingMs = 30_000 // 30 s: what is not whole by then was lost, and is asked for again

/** Takes a part of a message, and gives the message's frames when it is whole: a doubled part changes nothing. */
export function joinChunk(transition: Transition, { id, params }: ChunkFrame): readonly ServerFrame[] {
  const { message, part, of, bytes, text } = params
  const { maxMessageBytes, incoming } = transition.state
  if (bytes > maxMessageBytes) {
    rejectMessage(transition, id, `A message of ${bytes} bytes came; the limit is ${maxMessageBytes}.`)
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

/** [TL-CHUNK-10] What is held stays bounded; the oldest goes first. */
function newest(held: readonly PartialMessage[], most: number): readonly PartialMessage[] {
  let size = 0
  const dropped = held.findLastIndex(({ parts }) => {
    size += joined(parts).length
    return size > most
  })
  return held.slice(dropped + 1)
}

/** [TL-CHUNK-4] Whoever waits for it is told: it would come so again. */
function rejectMessage(transition: Transition, id: FrameId, what: string): void {
  const call = transition.state.calls.get(id as number) // an id of the session's own is no key of either
  const subscription = transition.state.subscriptions.get(id as number)
  if (call !== undefined) failCall(transition, call, 'TOO_LARGE', what)
  if (subscription !== undefined)
    endSubscription(transition, subscription, { line: toTrunklineError('TOO_LARGE', what) })
}
