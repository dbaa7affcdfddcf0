import type { Subscriber } from '../../ports/subscribers.ts'
import type { ConnectionSubscription } from '../../ports/subscriptions.ts'
import { type ConnectionCount, freedSubscriptions } from '../context/connection-counts.ts'
import { reportingRow } from '../context/failure-source.ts'
import type { InvocationContext, RuntimeContext } from '../context/runtime-context.ts'
import { encode, RawJson } from '../encoding/encode.ts'
import { errorFrame } from '../encoding/error-response.ts'
import { post } from '../posting/post.ts'
import { endSession } from '../presence/rows/disconnect-session.ts'

/**
 * Ends a subscription from the server's side. Posts the error under the subscription's id, then stops its rows.
 * [TL-ERR-4]
 */
export async function endSubscriber(context: InvocationContext, row: Subscriber, thrown: unknown): Promise<void> {
  const request = { id: new RawJson(row.id), type: 'subscription', path: row.path, cause: 'delivery' } as const
  // Before the stop, so that a failure here is repeated by the next delivery.
  await post(context, row.connectionId, encode(errorFrame(reportingRow(context, row).server, request, thrown)))
  const stop = await context.store.stopSubscription(row)
  await free(context, { row, stop })
  await context.store.stopSubscriber(row)
  await endSession(context, row)
}

/**
 * Ends a subscription by its connection's row, without an answer. The topic's row is stopped first, so that a row which
 * is still on in the connection is stopped whole when this is repeated. Returns whether this attempt was on until now;
 * a newer one stays. With `freed`, the caller settles the places.
 */
export async function stopRows(
  context: RuntimeContext,
  own: ConnectionSubscription,
  freed?: ConnectionCount,
): Promise<boolean> {
  const { topic, shard, seat, polled } = own
  if (topic !== undefined && shard !== undefined && polled === undefined)
    await context.store.stopSubscriber({ ...own, topic, shard })
  const stop = await context.store.stopSubscription(own)
  if (stop.status !== 'stopped') return false
  await free(context, { row: own, stop, freed })
  if (topic !== undefined && seat !== undefined)
    await endSession(context, { ...own, topic, presence: { view: 'members', seat } })
  return true
}

interface Stopped {
  readonly row: Pick<ConnectionSubscription, 'connectionId' | 'expires'>
  readonly stop: Awaited<ReturnType<RuntimeContext['store']['stopSubscription']>>
  /** The places that the caller settles. Absent: they are settled at once. */
  readonly freed?: ConnectionCount | undefined
}

/** Frees the place of a row that a stop has ended. */
async function free(context: RuntimeContext, { row, stop, freed }: Stopped): Promise<void> {
  if (stop.status !== 'stopped' || !stop.wasLive) return
  const places = freed ?? freedSubscriptions(context, row)
  places.give()
  if (freed === undefined) await places.settle()
}
