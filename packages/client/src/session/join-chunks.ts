import { type ChunkFrame, decodeServerMessage, type FrameId, type ServerFrame } from '@trunkline/protocol'
import { failCall } from './calls/calls.ts'
import type { Incoming } from './machine/state.ts'
import type { Turn } from './machine/transition.ts'
import { toLineError } from './machine/trunkline-error.ts'
import { endSubscription } from './subscriptions/subscriptions.ts'

const incomingMs = 30_000 // 30 s: what is not whole by then was lost, and is asked for again

/** Takes a part of a message, and gives the message's frames when it is whole: a doubled part changes nothing. */
export function joinChunk(turn: Turn, { id, params }: ChunkFrame): readonly ServerFrame[] {
  const { message, part, of, bytes, text } = params
  const { mostBytes, incoming } = turn.state
  if (bytes > mostBytes) {
    refuseMessage(turn, id, `A message of ${bytes} bytes came; the limit is ${mostBytes}.`)
    return []
  }
  const name = `${turn.from} ${message}`
  const fresh = incoming.filter((each) => turn.now - each.since < incomingMs)
  const known = fresh.find((each) => each.name === name)
  const held = fresh.filter((each) => each !== known)
  const parts = new Map(known?.parts).set(part, text)
  const isWhole = parts.size === of
  if (!isWhole) held.push({ name, since: known?.since ?? turn.now, parts })
  turn.patch({ incoming: newest(held, 2 * mostBytes) })
  const decoded = decodeServerMessage(isWhole && joined(parts), mostBytes)
  return decoded.ok ? decoded.frames : [] // [TL-BAD-6]
}

function joined(parts: Incoming['parts']): string {
  return Array.from(parts.keys(), (_, part) => parts.get(part)).join('')
}

/** [TL-CHUNK-10] What is held stays bounded; the oldest goes first. */
function newest(held: readonly Incoming[], most: number): readonly Incoming[] {
  let size = 0
  const dropped = held.findLastIndex(({ parts }) => {
    size += joined(parts).length
    return size > most
  })
  return held.slice(dropped + 1)
}

/** [TL-CHUNK-4] Whoever waits for it is told: it would come so again. */
function refuseMessage(turn: Turn, id: FrameId, what: string): void {
  const call = turn.state.calls.get(id as number) // an id of the session's own is no key of either
  const subscription = turn.state.subscriptions.get(id as number)
  if (call !== undefined) failCall(turn, call, 'TOO_LARGE', what)
  if (subscription !== undefined) endSubscription(turn, subscription, { line: toLineError('TOO_LARGE', what) })
}
