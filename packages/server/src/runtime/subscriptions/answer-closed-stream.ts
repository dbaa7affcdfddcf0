import { limits } from '@trunkline/protocol'
import type { SubscriptionDescriptor } from '../../define/subscription.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import type { Frame, Result } from '../encoding/encode.ts'
import { replayResults } from '../encoding/result-frames.ts'
import { replayStream, toChunkCursor } from '../streams/replay-stream.ts'
import { settleStream } from '../streams/settle.ts'
import { startedResult } from './channel-hooks.ts'
import type { Subscribing } from './subscription-hooks.ts'

/**
 * Answers a subscribe to a stream that is closed, if all that is left of it fits one message: nothing can come after
 * that, so the subscription gets no rows. Undefined for everything else, and for a stock client, which gets one event in
 * a message.
 */
// [TL-STREAM-6]
export async function answerClosedStream(
  context: InvocationContext,
  { client, request }: Subscribing,
  descriptor: SubscriptionDescriptor,
): Promise<readonly Frame[] | undefined> {
  const { topic, channel, pipe } = descriptor
  const { stream, retentionMs = 0 } = channel
  if (stream === undefined || !client.caller.extensions) return undefined
  const ref = { topic, retentionMs, rules: stream }
  const { head } = await settleStream(context, ref)
  if (head.state?.at !== 'closed') return undefined
  const found = await replayStream(context, ref, toChunkCursor(request.lastEventId ?? descriptor.lastEventId))
  const range = { topic, pipe, path: request.path, from: found.from.offset, maxBytes: limits.pageBytes.value }
  const results = replayResults(context, { ...range, skip: found.skip }, found.slots)
  const last = results.at(-1)
  if (last?.type !== 'closed') return undefined
  const started: Result = startedResult(request.ref, { found, snapshot: undefined }, undefined)
  return [started, ...results.slice(0, -1), { ...last, off: true as const }].map((result) => ({
    id: request.id,
    result,
  }))
}
