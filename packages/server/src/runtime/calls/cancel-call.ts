import type { CancelFrame } from '@trunkline/protocol'
import type { RuntimeContext } from '../context/scope.ts'
import { rowOfCall } from './long-call.ts'
import type { Client } from './worker-job.ts'

/** `cancel`: leaves word for the worker that runs a long call. By the time of the word, not by the id alone: one key may name a later attempt, which was not meant. */
// [TL-LONG-4] {"id":7,"method":"cancel"}
export async function cancelCall(
  scope: RuntimeContext,
  { caller, expires }: Pick<Client, 'caller' | 'expires'>,
  { id, params }: CancelFrame,
): Promise<void> {
  const row = rowOfCall(caller, { id, key: params?.key })
  await scope.store.stopSubscription({ ...row, ref: scope.clock.now(), expires })
}
