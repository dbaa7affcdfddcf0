import { limits } from '@trunkline/protocol'
import type { Slot } from '../../ports/log.ts'
import type { Subscriber } from '../../ports/subscribers.ts'
import { reportDelivery } from '../context/report-delivery.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { encode, type Frame, RawJson, toMessages } from '../encoding/encode.ts'
import { trafficOf } from '../posting/gateway-traffic.ts'
import { type Posted, post } from '../posting/post.ts'
import type { CanReceive } from '../recipients/can-receive.ts'
import { postingTo } from '../recipients/current-rows.ts'
import { measureDelivery } from '../recipients/measure-delivery.ts'
import { pruneSubscriber } from '../recipients/prune-subscriber.ts'
import { collectReady } from './collect-ready.ts'
import type { FrameMaker } from './frame-maker.ts'

/** The frames for one subscription of a connection. */
export interface BatchItem {
  readonly row: Subscriber
  /** One for each event. A maker that returns undefined leaves the event out for this row. */
  readonly frames: readonly FrameMaker[]
  /** The slots of the events, in the order of `frames`; undefined for an event of an ephemeral channel. */
  readonly slots?: readonly (Slot | undefined)[]
  /** Called when a frame of this item could not be made or posted. May be called more than once. */
  readonly fail: () => void
}

interface EncodedFrame {
  readonly item: BatchItem
  readonly text: string
  readonly slot: Slot | undefined
}

/**
 * Posts the frames of one connection, of all its topics and subscriptions, in as few messages as possible: API Gateway
 * bills by the message. A frame that cannot be made fails only its own item, and slow frames go into later messages
 * [LAW-ISOLATION].
 */
// [TL-PUSH-1]
export async function postBatch(
  context: InvocationContext,
  items: readonly BatchItem[],
  canReceive: CanReceive,
): Promise<void> {
  let canPost = true
  const postReady = async (frames: readonly EncodedFrame[]) => {
    const live = canPost ? takeLive(frames, canReceive) : []
    if (canPost) canPost = await postLive(context, live instanceof Promise ? await live : live)
    else for (const { item } of frames) item.fail()
  }
  const made = items.flatMap((item) => item.frames.map((_, index) => makeFrame(context, item, index)))
  const ready = made.filter(isReady) // no slow frames: this saves promises and a timer for each of ten thousand connections
  if (ready.length === made.length) return postReady(ready.filter((frame) => frame !== undefined))
  await collectReady(
    context.clock,
    made.map(async (frame) => frame),
    postReady,
  )
}

function isReady<T>(made: T | Promise<T>): made is T {
  return !(made instanceof Promise)
}

/** Does not throw, and the promise does not reject. */
function makeFrame(
  context: InvocationContext,
  item: BatchItem,
  index: number,
): EncodedFrame | undefined | Promise<EncodedFrame | undefined> {
  const toEncoded = (frame: Frame | undefined) => frame && { item, text: encode(frame), slot: item.slots?.[index] }
  const onFailure = (thrown: unknown) => {
    reportDelivery(context, item.row, thrown)
    item.fail()
    return undefined
  }
  try {
    const made = item.frames[index]?.(item.row)
    return made instanceof Promise ? made.then(toEncoded).catch(onFailure) : toEncoded(made)
  } catch (thrown) {
    return onFailure(thrown)
  }
}

function takeLive(
  made: readonly EncodedFrame[],
  canReceive: CanReceive,
): readonly EncodedFrame[] | Promise<readonly EncodedFrame[]> {
  const live = made.map(({ item }) => canReceive(item.row))
  if (live.every(isReady)) return made.filter((_, index) => live[index])
  return Promise.all(live).then((answers) => made.filter((_, index) => answers[index]))
}

function postLive(context: InvocationContext, frames: readonly EncodedFrame[]): Promise<boolean> {
  const rows = frames.map(({ item }) => item.row)
  return postingTo(context, rows, (narrowed) => postMessages(narrowed, frames))
}

/** False when the gateway does not take posts for the connection, so that further ones must not be tried. */
async function postMessages(context: InvocationContext, frames: readonly EncodedFrame[]): Promise<boolean> {
  for (let rest = frames; rest.length > 0; ) {
    const batch = takeFitting(rest)
    const posted = await postFrames(context, batch)
    if (posted === 'gone') {
      await prune(context, frames)
      return true // each later batch gets the same answer and prunes its own rows
    }
    if (posted === 'undelivered') {
      for (const { item } of rest) item.fail()
      return false
    }
    rest = rest.slice(batch.length)
  }
  return true
}

/** [TL-LIM-3] As many frames as fit one message; at least one, which is sent in chunks if it is larger. */
function takeFitting(frames: readonly EncodedFrame[]): readonly EncodedFrame[] {
  let bytes = 1
  const end = frames.findIndex(({ text }, index) => {
    bytes += Buffer.byteLength(text) + 1
    return index > 0 && bytes > limits.messageBytes.value
  })
  return end === -1 ? frames : frames.slice(0, end)
}

async function postFrames(context: InvocationContext, frames: readonly EncodedFrame[]): Promise<Posted> {
  const [first] = frames
  if (first === undefined) return 'posted'
  let posted: Posted = 'posted'
  const messages = toMessages(
    frames.map(({ text }) => text),
    { id: new RawJson(first.item.row.id), extensions: true },
  )
  for (const message of messages)
    if (posted === 'posted') posted = await post(context, first.item.row.connectionId, message)
  if (posted === 'posted' && context.gateway !== undefined)
    trafficOf(context.gateway, context).counts.saved += frames.length - 1
  if (posted === 'posted') for (const { slot } of frames) measureDelivery(context, slot)
  return posted
}

/** Deletes only the rows of these frames [LAW-CONNECTION-ROW]; other rows of the connection or its topics stay. */
async function prune(context: InvocationContext, frames: readonly EncodedFrame[]): Promise<void> {
  for (const row of new Set(frames.map(({ item }) => item.row))) await pruneSubscriber(context, row)
}
