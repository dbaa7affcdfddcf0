import type { SubscriptionDescriptor } from '../../define/subscription.ts'
import type { Subscriber } from '../../ports/store.ts'
import type { InvocationContext } from '../context/scope.ts'
import { toTRPCError } from '../context/to-trpc-error.ts'
import { gapError } from '../context/trunkline-error.ts'
import type { DeliverJob } from '../delivery/deliver-job.ts'
import type { Replay } from '../log/replay.ts'
import { postFrame, postOn } from '../stock-clients/ordered-delivery.ts'
import { disconnectUncertain, releaseLock, type SubscriptionLock } from '../stock-clients/subscription-lock.ts'
import { stockStarted } from './started-frames.ts'

/** The steps of a subscribe. */
export interface Beginning {
  /** Puts the row. False when it was overtaken, or its connection is gone. */
  readonly register: () => Promise<boolean>
  /** Reads the log from its position, and the state that it begins with, as a result. */
  readonly load: () => Promise<{ readonly found: Replay | undefined; readonly begun: string | undefined }>
}

/**
 * Begins a stock client's subscription to a log: its row is put held by this function, which posts `started`, then the state where there is one, then the log, one frame at a time [LAW-STOCK-ORDER].
 * Gives no frames to answer with. Throws what its steps throw, and GAP for a client that missed something; its row is gone then, since the answer ends the subscription at the client.
 */
// [TL-CHAIN-1] [TL-STOCK-6]
export async function beginStock(
  scope: InvocationContext,
  row: Subscriber,
  descriptor: Pick<SubscriptionDescriptor, 'pipe'>,
  steps: Beginning,
): Promise<readonly []> {
  const loaded = await registerAndLoad(scope, row, steps)
  if (loaded !== undefined) await postBeginning(scope, row, descriptor, loaded)
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
    if (found === undefined) throw new Error('A chain is of a log.')
    if (found.gap !== undefined && begun === undefined) throw gapError(found.gap)
    return { found, begun }
  } catch (thrown) {
    await scope.store.deleteSubscriber(row).catch(() => {}) // a row that stays is held until its time has passed, and broken
    throw thrown
  }
}

async function postBeginning(
  scope: InvocationContext,
  row: Subscriber,
  descriptor: Pick<SubscriptionDescriptor, 'pipe'>,
  { found, begun }: Loaded,
): Promise<void> {
  const hold: SubscriptionLock = { row, by: row.lock?.by ?? '', at: found.from }
  const first = begun === undefined ? [] : [begun.replace('"snapshot"', '"data"')] // a tracked frame: tRPC knows no state
  for (const result of [stockStarted, ...first]) {
    const ended = await postFrame(scope, hold, result)
    if (ended === 'done') return
    if (ended !== undefined) return void (await disconnectUncertain(scope, row)) // it waits for ever for what nobody else will post
  }
  try {
    const ended = await postOn(scope, hold, descriptor.pipe, { offset: found.head.offset, read: found.slots })
    if (ended !== 'done') await scheduleRetry(scope, row, found.head.offset)
  } catch (thrown) {
    // Told and not thrown: it has started, and an answer that says otherwise would end it. Whoever delivers next goes on.
    scope.server.report({ error: toTRPCError(thrown), path: row.path, cause: 'delivery' })
    await releaseLock(scope, hold).catch(() => {}) // then it is held until its time has passed, and broken
  }
}

/** The rest of a long replay is another function's. */
async function scheduleRetry(
  scope: InvocationContext,
  { topic, shard, connectionId, id }: Subscriber,
  offset: number,
): Promise<void> {
  const job: DeliverJob = { topic, offset, to: [{ shard, connectionId, id }] }
  await scope.invoker?.invoke('deliver', job)
}
