import type { CancelFrame } from '@trunkline/protocol'
import type { RuntimeContext } from '../context/runtime-context.ts'
import { rowOfCall } from './long-call.ts'
import type { Client } from './worker-job.ts'

/**
 * Handles `cancel`: marks the row that the worker of a long call watches. The mark has the time of the cancel, because
 * the same key may also name a later attempt, which must not be cancelled.
 */
// [TL-LONG-4] {"id":7,"method":"cancel"}
export async function cancelCall(
  scope: RuntimeContext,
  { caller, expires }: Pick<Client, 'caller' | 'expires'>,
  { id, params }: CancelFrame,
): Promise<void> {
  const row = rowOfCall(caller, { id, key: params?.key })
  await scope.store.stopSubscription({ ...row, ref: scope.clock.now(), expires })
}
