import type { FrameId, StoppedResult } from '@trunkline/protocol'
import type { ConnectionCaller } from '../context/caller.ts'
import { type MessageCounts, stopRow, tooManyUnknownStops } from '../context/connection-counts.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'
import { leaveSubscription } from '../presence/session.ts'

/** A parsed stop frame. */
export interface StopRequest {
  readonly id: FrameId
  readonly ref: number
  /** The subscribe of the same message was left out because of this stop. tRPC answers such a stop too. */
  readonly leftOut: boolean
}

/** The connection that sent a stop. */
interface StoppingConnection extends Pick<ConnectionCaller, 'connectionId' | 'extensions' | 'via'> {
  /** When its rows expire, in epoch seconds. */
  readonly expires: number
  readonly counts: MessageCounts
}

/**
 * Ends a subscription and returns the result; undefined where tRPC does not answer (a stock client's stop of an
 * unknown subscription). Writes the tombstone into the connection's row, even if none exists, since a stop does not
 * know the topic [LAW-CONNECTION-ROW]. Throws RATE_LIMITED when the connection has as many tombstones of unknown ids as
 * it may; a stock client is not answered then.
 */
// [TL-STOP-1] [TL-STOP-2] [TL-STOP-5]
export async function unsubscribe(
  context: RuntimeContext,
  { counts, ...connection }: StoppingConnection,
  request: StopRequest,
): Promise<StoppedResult | undefined> {
  const { connectionId, expires } = connection
  const id = JSON.stringify(request.id)
  const stopped: StoppedResult = { type: 'stopped' }
  // U1
  const stop = await stopRow(context, counts, { connectionId, id, ref: request.ref, expires })
  if (stop.status === 'absent') {
    if (connection.extensions) throw tooManyUnknownStops('subscription')
    return request.leftOut ? stopped : undefined
  }
  const { status, row } = stop
  if (status === 'newer') return connection.extensions ? stopped : undefined
  if (stop.wasLive) counts.subscriptions.give()
  // U2; a polled subscription has no row under its topic [TL-HTTP-8]
  const { topic, shard, seat } = row
  if (topic !== undefined && shard !== undefined && connection.via === undefined)
    await context.store.stopSubscriber({ topic, shard, connectionId, id, ref: request.ref, expires })
  if (topic !== undefined) await leaveSubscription(context, { topic, ref: request.ref, seat })
  const isKnown = topic !== undefined || row.run !== undefined
  return connection.extensions || isKnown || request.leftOut ? stopped : undefined
}
