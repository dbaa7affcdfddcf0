import type { PipeStep } from '../../define/subscription.ts'
import type { Subscriber } from '../../ports/subscribers.ts'
import { reportDelivery } from '../context/report-delivery.ts'
import { type InvocationContext, within } from '../context/runtime-context.ts'
import type { DeliverJob } from '../delivery/deliver-job.ts'
import type { Result } from '../encoding/encode.ts'
import { guardOf } from '../procedures/topic-rights.ts'
import { postFromLog, postUnderLock } from '../stock-clients/ordered-delivery.ts'
import { disconnectUncertain, releaseLock, toLock } from '../stock-clients/subscription-lock.ts'
import type { SubscriptionHooks, SubscriptionStart } from './subscription-hooks.ts'

/** A stock client's subscription to a log: the members that name its row in a shard, and its steps. */
interface OrderedSubscription extends Pick<Subscriber, 'topic' | 'connectionId' | 'id' | 'ref'> {
  readonly pipe: readonly PipeStep[]
}

/**
 * The steps of a stock client's subscribe to a log. This function holds the lock of the row that it puts, and posts
 * `started`, the state if there is one, and the log, one frame at a time [LAW-STOCK-ORDER]. If a step throws, the row is
 * deleted, since the error ends the subscription at the client.
 */
// [TL-CHAIN-1] [TL-STOCK-6]
export function orderedHooks(
  context: InvocationContext,
  { pipe, ...attempt }: OrderedSubscription,
  hooks: SubscriptionHooks,
): SubscriptionHooks {
  let shard = 0
  // Else the lock expires, and the connection is deleted.
  const deleteRow = () => context.store.deleteSubscriber({ ...attempt, shard }).catch(() => {})
  return {
    ...hooks,
    async registered(claimed) {
      shard = claimed
      try {
        return await hooks.registered(claimed)
      } catch (thrown) {
        if (guardOf(context, attempt.topic) === undefined) await deleteRow() // else the row is stopped
        throw thrown
      }
    },
    async ended(thrown) {
      await hooks.ended(thrown)
      await deleteRow()
    },
    async started(row, start) {
      await postStart(context, { row, pipe }, start)
      return []
    },
  }
}

/** Time to release the lock and to start the function that continues. */
const handOverMs = 3_000

async function postStart(
  context: InvocationContext,
  { row, pipe }: { readonly row: Subscriber; readonly pipe: readonly PipeStep[] },
  { found, snapshot }: SubscriptionStart,
): Promise<void> {
  if (found === undefined)
    throw new Error(`Expected the log of topic ${row.topic} to have been read, got none. Report this as a bug.`)
  const { from, skip } = found
  const at = skip === undefined ? from : { ...from, offset: skip.offset, chunk: skip.chunks } // [TL-STREAM-2]
  const lock = toLock(context, { row, by: row.lock?.by ?? '', at })
  const results: Result[] = [{ type: 'started' }]
  if (snapshot !== undefined) results.push({ ...snapshot, type: 'data' }) // a tracked event, since tRPC has no snapshots
  for (const result of results) {
    const ended = await postUnderLock(context, lock, result)
    if (ended === 'done') return
    if (ended !== undefined) return void (await disconnectUncertain(context, row)) // no other function posts the start
  }
  try {
    const target = { pipe, offset: found.head.offset, slots: found.slots }
    const ms = Math.max(0, context.deadline.at - context.clock.now() - handOverMs)
    const result = await within(context, ms, (narrowed) => postFromLog(narrowed, lock, target))
    if (result !== 'done') await postRestLater(context, row, found.head.offset)
  } catch (thrown) {
    // Reported only: the subscription has started, and an error response would end it. The next delivery continues.
    reportDelivery(context, row, thrown)
    await releaseLock(context, lock).catch(() => {}) // else the lock expires, and the connection is deleted
  }
}

/** Leaves the rest of a long replay to another function. */
async function postRestLater(
  context: InvocationContext,
  { topic, shard, connectionId, id }: Subscriber,
  offset: number,
): Promise<void> {
  const job: DeliverJob = { topic, offset, to: [{ shard, connectionId, id }] }
  await context.invoker?.invoke('deliver', job)
}
