import type { Subscriber } from '../../ports/subscribers.ts'
import { reportingRow } from '../context/failure-source.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
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
