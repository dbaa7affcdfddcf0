import { limits } from '@trunkline/protocol'
import type { Subscriber } from '../../ports/subscribers.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { post } from '../posting/post.ts'
import { lifetimeOf } from './connect.ts'

/** tRPC's notice: the client opens a second socket, moves its subscriptions there, and closes this one. */
const notice = '{"id":null,"method":"reconnect"}'
const ageMs = 105 * 60_000

/**
 * Notifies a stock client on an ageing connection to move before the gateway closes it. A client with extensions knows
 * the limit and moves without a notice. [TL-HAND-4]
 */
export async function noticeAgeing(
  scope: InvocationContext,
  connection: Pick<Subscriber, 'connectionId' | 'extensions' | 'expires'>,
): Promise<void> {
  const { openedAt } = lifetimeOf(connection.expires)
  const age = scope.clock.now() - openedAt
  if (connection.extensions || age < ageMs || age >= limits.lifetimeMs.value) return
  await post(scope, connection.connectionId, notice)
}
