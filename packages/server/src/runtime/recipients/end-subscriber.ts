import type { Subscriber } from '../../ports/subscribers.ts'
import type { ConnectionSubscription } from '../../ports/subscriptions.ts'
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
  await context.store.stopSubscription(row)
  await context.store.stopSubscriber(row)
  await endSession(context, row)
}

/**
 * Ends a subscription by its connection's row, without an answer. The topic's row is stopped first, so that a row which
 * is still on in the connection is stopped whole when this is repeated. Returns whether this attempt was on until now;
 * a newer one stays.
 */
export async function stopRows(context: RuntimeContext, own: ConnectionSubscription): Promise<boolean> {
  const { topic, shard, seat, polled } = own
  if (topic !== undefined && shard !== undefined && polled === undefined)
    await context.store.stopSubscriber({ ...own, topic, shard })
  const { status } = await context.store.stopSubscription(own)
  if (status === 'newer') return false
  if (topic !== undefined && seat !== undefined)
    await endSession(context, { ...own, topic, presence: { view: 'members', seat } })
  return true
}
