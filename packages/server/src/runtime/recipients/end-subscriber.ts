import type { Subscriber } from '../../ports/subscribers.ts'
import type { InvocationContext } from '../context/scope.ts'
import { errorText } from '../encoding/error-response.ts'
import { post } from '../posting/post.ts'
import { endSession } from '../presence/rows/disconnect-session.ts'

/** Ends a subscription from the server's side, with the reason under its id. [TL-ERR-4] */
export async function endSubscriber(scope: InvocationContext, row: Subscriber, thrown: unknown): Promise<void> {
  const id = JSON.parse(row.id) as string | number
  const asked = { id, type: 'subscription', path: row.path, cause: 'delivery' } as const
  await post(scope, row.connectionId, errorText(scope.server, asked, thrown)) // first: a row that still stands says it again
  await scope.store.stopSubscription(row)
  await scope.store.stopSubscriber(row)
  await endSession(scope, row)
}
