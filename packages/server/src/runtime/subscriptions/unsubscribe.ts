import type { FrameId, StoppedResult } from '@trunkline/protocol'
import type { ConnectionCaller } from '../context/caller.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'
import { leaveSubscription } from '../presence/session.ts'

/** A parsed stop frame. */
export interface StopRequest {
  readonly id: FrameId
  readonly ref: number
  /** The subscribe of the same message was left out because of this stop. tRPC answers such a stop too. */
  readonly leftOut: boolean
}

/**
 * Ends a subscription and returns the result; undefined where tRPC does not answer (a stock client's stop of an
 * unknown subscription). Writes the tombstone into the connection's row, even if none exists, since a stop does not
 * know the topic [LAW-CONNECTION-ROW].
 */
// [TL-STOP-1] [TL-STOP-2]
export async function unsubscribe(
  context: RuntimeContext,
  connection: Pick<ConnectionCaller, 'connectionId' | 'extensions' | 'via'> & { readonly expires: number },
  request: StopRequest,
): Promise<StoppedResult | undefined> {
  const { connectionId, expires } = connection
  const id = JSON.stringify(request.id)
  // U1
  const { status, row } = await context.store.stopSubscription({ connectionId, id, ref: request.ref, expires })
  const stopped: StoppedResult = { type: 'stopped' }
  if (status === 'newer') return connection.extensions ? stopped : undefined
  // U2; a polled subscription has no row under its topic [TL-HTTP-8]
  const { topic, shard, seat } = row
  if (topic !== undefined && shard !== undefined && connection.via === undefined)
    await context.store.stopSubscriber({ topic, shard, connectionId, id, ref: request.ref, expires })
  if (topic !== undefined) await leaveSubscription(context, { topic, ref: request.ref, seat })
  const isKnown = topic !== undefined || row.run !== undefined
  return connection.extensions || isKnown || request.leftOut ? stopped : undefined
}
