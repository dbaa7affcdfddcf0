import type { SubscriptionDescriptor } from '../../define/subscription.ts'
import type { ConnectionRow } from '../../ports/connections.ts'
import type { Subscriber } from '../../ports/subscribers.ts'
import type { Caller } from '../context/caller.ts'
import { readTimeOf, recordReadTime } from '../context/read-times.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import {
  checkRecheckedClaims,
  checkRight,
  guardOf,
  type RightsHolder,
  TopicRefused,
} from '../procedures/topic-rights.ts'
import { freshMs } from '../recipients/current-rows.ts'
import { stopRows } from '../recipients/end-subscriber.ts'

/** The steps that `authorize` of a channel adds to a subscribe. Each does nothing for another channel. */
export interface SubscribeRight {
  /** Whether the channel has `authorize`. Then a step that fails after the rows were put must not leave them. */
  readonly isGuarded: boolean
  /**
   * Before the first write, so that a refusal writes nothing and no delivery sees a row without a right. The claims are
   * those of the last `auth`, which only the connection's row has.
   */
  beforeClaim(): Promise<void>
  /**
   * S3. Checks again if an `auth` has changed the claims, since that `auth` may have read the connection's rows before
   * this row was there. `readAt` is when the read of the connection began. [LAW-RIGHTS]
   */
  confirm(row: Subscriber, connection: ConnectionRow, readAt: number): Promise<void>
  /** Before the answer: false if an `auth` has ended the subscription while the log or the state was loaded. */
  stillHolds(row: Subscriber): Promise<boolean>
}

type Attempt = Pick<Subscriber, 'connectionId' | 'id' | 'ref' | 'topic'>

const unguarded: SubscribeRight = {
  isGuarded: false,
  async beforeClaim() {},
  async confirm() {},
  stillHolds: async () => true,
}

/** The check of one subscribe. */
// [TL-RIGHT-1]
export function subscribeRight(
  context: InvocationContext,
  { topic }: Pick<SubscriptionDescriptor, 'topic'>,
  { caller, attempt }: { readonly caller: Caller; readonly attempt: Attempt },
): SubscribeRight {
  const guard = guardOf(context, topic)
  if (guard === undefined) return unguarded
  const { store, clock } = context
  let checked: RightsHolder = caller
  const check = async (holder: RightsHolder) => {
    await checkRight(context, topic, holder)
    if (guard.recheck !== undefined) checkRecheckedClaims(holder.claims)
    checked = holder
  }
  const currentHolder = async () => {
    const row = await store.readConnection(caller.connectionId)
    return row?.state === 'OPEN' ? row : caller
  }
  return {
    isGuarded: true,
    async beforeClaim() {
      try {
        await check(await currentHolder())
      } catch (thrown) {
        if (thrown instanceof TopicRefused) await endEarlier(context, attempt)
        throw thrown
      }
    },
    async confirm(row, connection, readAt) {
      recordReadTime(row, readAt)
      if (!isSame(connection, checked)) await check(connection)
    },
    async stillHolds(row) {
      if (clock.now() - (readTimeOf(row) ?? 0) <= freshMs) return true
      const own = await store.readSubscription(row.connectionId, row.id)
      return own?.on === true && own.ref === row.ref
    },
  }
}

function isSame(one: RightsHolder, other: RightsHolder): boolean {
  return one.principal === other.principal && one.claims === other.claims
}

/** A refused attempt ends the earlier attempt under its id: the error ends the subscription at the client. */
async function endEarlier(context: InvocationContext, { connectionId, id, ref }: Attempt): Promise<void> {
  if (ref <= 1) return
  const earlier = await context.store.readSubscription(connectionId, id)
  if (earlier?.on === true && earlier.ref <= ref) await stopRows(context, earlier)
}
