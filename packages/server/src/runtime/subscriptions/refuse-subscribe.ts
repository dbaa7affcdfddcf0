import { TRPCError } from '@trpc/server'
import type { FrameId } from '@trunkline/protocol'
import type { ConnectionSubscription } from '../../ports/store.ts'
import type { ConnectionCaller } from '../context/caller.ts'
import type { InvocationContext } from '../context/scope.ts'
import { topicChanged } from '../context/trunkline-error.ts'
import { frameText } from '../encoding/result-frames.ts'
import { leaveSubscription } from '../presence/session.ts'

/** What a subscribe is answered with whose claim was refused by the row that stands: nothing where it came late, `stopped` to a stock client. Throws a stock client's `Duplicate id`, and TOPIC_CHANGED. */
// [TL-SUB-13] [TL-SUB-14] [TL-STOCK-2] [TL-STOCK-7]
export async function refuseClaim(
  scope: InvocationContext,
  caller: ConnectionCaller,
  claim: { readonly id: FrameId; readonly path: string; readonly ref: number; readonly topic: string },
  standing: ConnectionSubscription,
): Promise<readonly string[]> {
  if (!caller.extensions && standing.on) throw duplicate(claim.id)
  if (!caller.extensions) return [frameText(JSON.stringify(claim.id), '{"type":"stopped"}')] // it would wait for ever
  const { topic, shard } = standing
  if (topic === undefined || topic === claim.topic || standing.ref >= claim.ref) return []
  // The answer ends the subscription at the client, so its row ends too.
  const stop = { ...standing, ref: claim.ref }
  await scope.store.stopSubscription(stop)
  if (shard !== undefined) await scope.store.stopSubscriber({ ...stop, topic, shard })
  await leaveSubscription(scope, { ...stop, topic, seat: standing.seat })
  throw topicChanged(claim.path)
}

/** tRPC's words for a second subscription under a live id. */
export function duplicate(id: FrameId): TRPCError {
  return new TRPCError({ code: 'BAD_REQUEST', message: `Duplicate id ${id}` })
}
