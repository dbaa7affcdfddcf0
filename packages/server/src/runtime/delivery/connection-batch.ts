import { limits } from '@trunkline/protocol'
import type { Slot, Subscriber } from '../../ports/store.ts'
import type { InvocationContext } from '../context/scope.ts'
import { toTRPCError } from '../context/to-trpc-error.ts'
import { toMessages } from '../encoding/pack-messages.ts'
import { trafficOf } from '../posting/gateway-traffic.ts'
import { type Posted, post } from '../posting/post.ts'
import { canReceive } from '../recipients/can-receive.ts'
import { measureDelivery } from '../recipients/measure-delivery.ts'
import { pruneSubscriber } from '../recipients/prune-subscriber.ts'
import { collectReady } from './collect-ready.ts'

/** What is for one of a connection's subscriptions. */
export interface BatchItem {
  readonly row: Subscriber
  /** Each makes one frame, or nothing where there is none for this row. */
  readonly frames: readonly ((row: Subscriber) => Promise<string | undefined>)[]
  /** What the frames are made of, in the same order; nothing for an event without a log. */
  readonly slots?: readonly (Slot | undefined)[]
  /** Called when something of it could not be posted. */
  readonly fail: () => void
}

interface Frame {
  readonly part: BatchItem
  readonly text: string
  readonly slot: Slot | undefined
}

/**
 * Posts what is ready for one connection as one message, since a gateway bills by the message: events, topics and subscriptions together. What cannot be made fails
 * alone, and what takes its time comes in a message of its own [LAW-ISOLATION].
 */
// [TL-PUSH-1]
export async function postBatch(scope: InvocationContext, parts: readonly BatchItem[]): Promise<void> {
  let open = true
  const post = async (frames: readonly Frame[]) => {
    if (open) open = await postTogether(scope, frames)
    else for (const { part } of frames) part.fail()
  }
  const coming = parts.flatMap((part) => part.frames.map((_, index) => makeFrame(scope, part, index)))
  if (parts.some(({ row }) => row.piped !== undefined)) return collectReady(scope.clock, coming, post)
  const frames = await Promise.all(coming) // nothing that takes time: no timer for each of ten thousand connections
  await post(frames.filter((frame) => frame !== undefined))
}

async function makeFrame(scope: InvocationContext, part: BatchItem, index: number): Promise<Frame | undefined> {
  try {
    const text = await part.frames[index]?.(part.row)
    return text === undefined ? undefined : { part, text, slot: part.slots?.[index] }
  } catch (thrown) {
    scope.server.report({ error: toTRPCError(thrown), path: part.row.path, cause: 'delivery' })
    part.fail()
    return undefined
  }
}

/** False when there is no use in posting more. */
async function postTogether(scope: InvocationContext, made: readonly Frame[]): Promise<boolean> {
  const frames = made.filter(({ part }) => canReceive(scope, part.row))
  for (let rest = frames; rest.length > 0; ) {
    const together = fitting(rest)
    const posted = await postFrames(scope, together)
    if (posted === 'gone') {
      await prune(scope, frames)
      return true // the rows that are still to come find out for themselves
    }
    if (posted === 'undelivered') {
      for (const { part } of rest) part.fail()
      return false
    }
    rest = rest.slice(together.length)
  }
  return true
}

/** [TL-LIM-3] As many as one message carries; at least one, which goes in chunks if it must. */
function fitting(frames: readonly Frame[]): readonly Frame[] {
  let bytes = 1
  const end = frames.findIndex(({ text }, index) => {
    bytes += Buffer.byteLength(text) + 1
    return index > 0 && bytes > limits.messageBytes.value
  })
  return end === -1 ? frames : frames.slice(0, end)
}

async function postFrames(scope: InvocationContext, frames: readonly Frame[]): Promise<Posted> {
  const [first] = frames
  if (first === undefined) return 'posted'
  let posted: Posted = 'posted'
  const messages = toMessages(
    frames.map(({ text }) => text),
    true,
  )
  for (const message of messages)
    if (posted === 'posted') posted = await post(scope, first.part.row.connectionId, message)
  if (posted === 'posted' && scope.gateway !== undefined)
    trafficOf(scope.gateway, scope.clock).counts.saved += frames.length - 1
  if (posted === 'posted') for (const { slot } of frames) measureDelivery(scope, slot)
  return posted
}

/** These rows [LAW-CONNECTION-ROW], and nothing else of the connection or of its topics. */
async function prune(scope: InvocationContext, frames: readonly Frame[]): Promise<void> {
  for (const row of new Set(frames.map(({ part }) => part.row))) await pruneSubscriber(scope, row)
}
