import { TRPCError } from '@trpc/server'
import type { FrameId } from '@trunkline/protocol'
import type { ConnectionSubscription } from '../../ports/subscriptions.ts'
import type { ConnectionCaller } from '../context/caller.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { topicChanged } from '../context/trunkline-error.ts'
import { frameText } from '../encoding/result-frames.ts'
import { leaveSubscription } from '../presence/session.ts'

/**
 * The response to a subscribe whose claim lost to the existing row: none when the subscribe is out of date, `stopped`
 * to a stock client. Throws `Duplicate id` for a stock client's second subscription under a live id, and TOPIC_CHANGED.
 */
// [TL-SUB-13] [TL-SUB-14] [TL-STOCK-2] [TL-STOCK-7]
export async function refuseClaim(
  scope: InvocationContext,
  caller: ConnectionCaller,
  claim: { readonly id: FrameId; readonly path: string; readonly ref: number; readonly topic: string },
  standing: ConnectionSubscription,
): Promise<readonly string[]> {
  if (!caller.extensions && standing.on) throw duplicate(claim.id)
  // Without an answer it would wait forever.
  if (!caller.extensions) return [frameText(JSON.stringify(claim.id), '{"type":"stopped"}')]
  const { topic, shard } = standing
  if (topic === undefined || topic === claim.topic || standing.ref >= claim.ref) return []
  // The error ends the subscription at the client, so its rows are stopped too.
  const stop = { ...standing, ref: claim.ref }
  await scope.store.stopSubscription(stop)
  if (shard !== undefined) await scope.store.stopSubscriber({ ...stop, topic, shard })
  await leaveSubscription(scope, { ...stop, topic, seat: standing.seat })
  throw topicChanged(claim.path)
}

/** tRPC's error for a second subscription under a live id. */
export function duplicate(id: FrameId): TRPCError {
  return new TRPCError({ code: 'BAD_REQUEST', message: `Duplicate id ${id}` })
}
