import type { FrameId } from '@trunkline/protocol'
import type { RuntimeContext } from '../context/scope.ts'
import { frameText } from '../encoding/result-frames.ts'
import { leaveSubscription } from '../presence/session.ts'

/** A stop as `receive` understood it. */
export interface StopRequest {
  readonly id: FrameId
  readonly ref: number
  /** Its start came in the same message and was left out: tRPC answers that too. */
  readonly leftOut: boolean
}

/**
 * Ends a subscription and gives the answer's text; undefined where tRPC is silent (a stock client's stop of what does not live).
 * [LAW-CONNECTION-ROW]: the tombstone goes into the connection's own row, also when none stands, since a stop does not know the topic.
 */
// [TL-STOP-1] [TL-STOP-2]
export async function unsubscribe(
  scope: RuntimeContext,
  connection: { readonly connectionId: string; readonly extensions: boolean; readonly expires: number },
  request: StopRequest,
): Promise<string | undefined> {
  const { connectionId, expires } = connection
  const id = JSON.stringify(request.id)
  // U1
  const { status, row } = await scope.store.stopSubscription({ connectionId, id, ref: request.ref, expires })
  const stopped = frameText(id, '{"type":"stopped"}')
  if (status === 'newer') return connection.extensions ? stopped : undefined
  // U2
  const { topic, shard, seat } = row
  if (topic !== undefined && shard !== undefined)
    await scope.store.stopSubscriber({ topic, shard, connectionId, id, ref: request.ref, expires })
  if (topic !== undefined) await leaveSubscription(scope, { topic, ref: request.ref, seat })
  const isKnown = topic !== undefined || row.run !== undefined
  return connection.extensions || isKnown || request.leftOut ? stopped : undefined
}
