import type { SubscriptionDescriptor } from '../../define/subscription.ts'
import type { Subscriber } from '../../ports/subscribers.ts'
import { reportDelivery } from '../context/report-delivery.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { gapError } from '../context/trunkline-error.ts'
import type { DeliverJob } from '../delivery/deliver-job.ts'
import type { Replay } from '../log/replay.ts'
import { postFromLog, postUnderLock } from '../stock-clients/ordered-delivery.ts'
import { disconnectUncertain, releaseLock, type SubscriptionLock } from '../stock-clients/subscription-lock.ts'
import { stockStarted } from './started-frames.ts'

/** The steps of a subscribe. */
export interface Beginning {
  /** Puts the row. False when a later subscribe or stop came first, or the connection is gone. */
  readonly register: () => Promise<boolean>
  /** Reads the log from the subscription's position, and its initial state as a snapshot result, if it has one. */
  readonly load: () => Promise<{ readonly found: Replay | undefined; readonly begun: string | undefined }>
}

/**
 * Starts a stock client's subscription to a log. Puts its row with this function as the lock's holder, then posts
 * `started`, the state if there is one, and the log, one frame at a time [LAW-STOCK-ORDER]. Returns no frames for the
 * response. Throws what the steps throw, and GAP when events were lost; then the row is deleted, since the error ends
 * the subscription at the client.
 */
// [TL-CHAIN-1] [TL-STOCK-6]
export async function beginStock(
  scope: InvocationContext,
  row: Subscriber,
  descriptor: Pick<SubscriptionDescriptor, 'pipe'>,
  steps: Beginning,
): Promise<readonly []> {
  const loaded = await registerAndLoad(scope, row, steps)
  if (loaded !== undefined) await postStart(scope, row, descriptor, loaded)
  return []
}

interface Loaded {
  readonly found: Replay
  readonly begun: string | undefined
}

async function registerAndLoad(
  scope: InvocationContext,
  row: Subscriber,
  { register, load }: Beginning,
): Promise<Loaded | undefined> {
  try {
    if (!(await register())) return undefined
    const { found, begun } = await load()
    if (found === undefined)
      throw new Error(`Expected the log of topic ${row.topic} to have been read, got none. Report this as a bug.`)
    if (found.gap !== undefined && begun === undefined) throw gapError(found.gap)
    return { found, begun }
  } catch (thrown) {
    await scope.store.deleteSubscriber(row).catch(() => {}) // else the lock expires, and the connection is deleted
    throw thrown
  }
}

async function postStart(
  scope: InvocationContext,
  row: Subscriber,
  descriptor: Pick<SubscriptionDescriptor, 'pipe'>,
  { found, begun }: Loaded,
): Promise<void> {
  const lock: SubscriptionLock = { row, by: row.lock?.by ?? '', at: found.from }
  // As a tracked event, since tRPC has no snapshots.
  const first = begun === undefined ? [] : [begun.replace('"snapshot"', '"data"')]
  for (const result of [stockStarted, ...first]) {
    const ended = await postUnderLock(scope, lock, result)
    if (ended === 'done') return
    if (ended !== undefined) return void (await disconnectUncertain(scope, row)) // no other function posts the start
  }
  try {
    const target = { offset: found.head.offset, slots: found.slots }
    if ((await postFromLog(scope, lock, descriptor.pipe, target)) !== 'done')
      await scheduleRetry(scope, row, found.head.offset)
  } catch (thrown) {
    // Reported only: the subscription has started, and an error response would end it. The next delivery continues.
    reportDelivery(scope, row.path, thrown)
    await releaseLock(scope, lock).catch(() => {}) // else the lock expires, and the connection is deleted
  }
}

/** Leaves the rest of a long replay to another function. */
async function scheduleRetry(
  scope: InvocationContext,
  { topic, shard, connectionId, id }: Subscriber,
  offset: number,
): Promise<void> {
  const job: DeliverJob = { topic, offset, to: [{ shard, connectionId, id }] }
  await scope.invoker?.invoke('deliver', job)
}
