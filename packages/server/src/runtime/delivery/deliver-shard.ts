import { defined } from '@trunkline/protocol'
import { randomName } from '../../ports/clock.ts'
import { reportDelivery } from '../context/report-delivery.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { trafficOf } from '../posting/gateway-traffic.ts'
import {
  acquireLease,
  completeLease,
  type LeasedRun,
  type LeaseName,
  releaseLease,
  renewingLeases,
  renewLease,
} from './acquire-shard-lease.ts'
import { type DeliverJob, type JobRun, toDeliveries, toJob, traceOf } from './deliver-job.ts'
import { deliverWithRetry } from './schedule-retry.ts'

/** A job of one shard. */
export type ShardJob = DeliverJob & { readonly shard: number }

/** A job with an id, without its other runs. */
type NamedJob = Omit<ShardJob, 'beside'> & { readonly turn: string }

/** A run that could not be delivered from its current page on. */
interface FailedRun {
  readonly run: JobRun
  readonly thrown: unknown
}

/** A page begins only with this much time left. */
const pageMs = 8_000
/** One invocation takes lease after lease for this long; then another invocation continues. */
const invocationMs = 120_000 // two minutes
/** A page has no more rows than can be posted to in this time at the current rate of the gateway. */
const pageSeconds = 30
/** A post that hangs delays the next events of other connections for at most this long; then it is given to a retry. */
const slowPostsMs = 1_000 // 1 s
/** The smallest page, however slow the gateway. */
const minRows = 100
/**
 * More rows in a shard double the number of shards, K. Only the younger half of the shards decides: it holds the rows
 * that were put since K last grew. The older shards stay full although no rows are added to them.
 */
const shardRows = 5_000

/**
 * Posts to a shard, page by page. Pages of all runs are posted together, since the same connections have the same
 * position in each topic's shard. One job at a time delivers at a topic's shard; events that are appended meanwhile are
 * delivered together under the next lease (decision 33). Invokes itself again before its deadline. A run that fails is
 * given to a job of its own and delays no other [LAW-ISOLATION]; throws when the run was alone already or that
 * invocation failed too.
 */
export async function deliverShard(
  context: InvocationContext,
  { beside: otherRuns = [], ...rest }: ShardJob,
): Promise<void> {
  const job = { turn: randomName(context.clock, 12), ...rest }
  const { shard, turn, of } = job
  const where = { shard, turn, ...defined({ of }), ...traceOf(context) }
  const continueLater = async (runs: readonly JobRun[]) => context.invoker?.invoke('deliver', toJob(runs, where))
  const startedAt = context.clock.now()
  const failed: FailedRun[] = []
  const pendingPosts: Promise<unknown>[] = []
  const separateFailed = async () => {
    for (const { run, thrown } of otherRuns.length === 0 ? [] : failed.splice(0)) {
      reportDelivery(context, undefined, thrown)
      await continueLater([run]).catch((error: unknown) => failed.push({ run, thrown: error }))
    }
  }
  limitRate(context, job)
  try {
    let remaining = await acquireLeases(context, job, { runs: [toJobRun(job), ...otherRuns], failed })
    for (; remaining.length > 0; remaining = await deliverPages(context, job, remaining, { failed, pendingPosts })) {
      await separateFailed()
      if (!isTimeToContinueLater(context, startedAt, remaining)) continue
      await continueLater(remaining.map(({ run }) => run))
      break
    }
    await separateFailed()
  } finally {
    await Promise.all(pendingPosts)
  }
  if (failed.length > 0) await giveUp(context, job, failed)
}

/**
 * Shortly before the deadline; or after two minutes of complete leases, so that a function's duration stays meaningful.
 */
function isTimeToContinueLater(
  { clock, deadline, invoker }: InvocationContext,
  startedAt: number,
  remaining: readonly LeasedRun[],
): boolean {
  if (invoker === undefined) return false
  const isBetweenLeases = remaining.every(({ run }) => run.from === undefined)
  return deadline.at - clock.now() < pageMs || (isBetweenLeases && clock.now() - startedAt > invocationMs)
}

/**
 * Releases the leases, so that other jobs may deliver before the platform retries this one. A lease that cannot be
 * released expires.
 */
async function giveUp(context: InvocationContext, job: NamedJob, failed: readonly FailedRun[]): Promise<never> {
  for (const { run } of failed)
    if (run.offset !== undefined) await releaseLease(context, leaseNameOf(job, run)).catch(() => {})
  throw failed[0]?.thrown
}

function leaseNameOf({ shard, turn }: NamedJob, { topic, taking }: JobRun): LeaseName {
  return { topic, shard, jobId: turn, leaseId: taking }
}

/** Limits this process to the shard's part of the account's rate. */
function limitRate(context: InvocationContext, { of = 1 }: ShardJob): void {
  const { gateway, server } = context
  if (gateway !== undefined) trafficOf(gateway, context).pacer.limit(server.accountPostsPerSecond / of)
}

/** The job's first run: its members without those that name the place. */
function toJobRun({ shard: _shard, turn: _turn, of: _of, traceparent: _traceparent, ...run }: NamedJob): JobRun {
  return run
}

/** The runs that this job delivers: those whose leases it acquires, and each ephemeral event. */
function acquireLeases(
  context: InvocationContext,
  job: NamedJob,
  { runs, failed }: { readonly runs: readonly JobRun[]; readonly failed: FailedRun[] },
): Promise<readonly LeasedRun[]> {
  const items = runs.map((run) => ({ run }))
  return forEachRun(items, failed, async ({ run }) =>
    run.offset === undefined
      ? { run, deliveries: await toDeliveries(context, run) }
      : acquireLease(context, leaseNameOf(job, run), run),
  )
}

/** Posts one page of each run. Returns the runs that have more pages or further events. */
async function deliverPages(
  context: InvocationContext,
  job: NamedJob,
  leasedRuns: readonly LeasedRun[],
  { failed, pendingPosts }: { readonly failed: FailedRun[]; readonly pendingPosts: Promise<unknown>[] },
): Promise<readonly LeasedRun[]> {
  const { shard, of = 1 } = job
  const { gateway, server } = context
  const rate = gateway ? trafficOf(gateway, context).pacer.rate() : server.accountPostsPerSecond
  const limit = Math.max(minRows, Math.floor((rate * pageSeconds) / leasedRuns.length))
  const pages = await forEachRun(leasedRuns, failed, async (leasedRun) => {
    const { topic, from } = leasedRun.run
    const page = await context.store.readSubscribers(topic, shard, defined({ limit, from }))
    return { ...leasedRun, rows: page.subscribers, next: page.next }
  })
  const trackPending = (work: Promise<unknown>) => void pendingPosts.push(work)
  const leases = leasedRuns.flatMap(({ run }) => (run.offset === undefined ? [] : [leaseNameOf(job, run)]))
  const thrown = await renewingLeases(context, leases, deliverWithRetry(context, pages, { slowPostsMs, trackPending }))
  return forEachRun(pages, failed, async ({ run, deliveries, rows: { length }, next }, index) => {
    if (thrown[index] !== undefined) throw thrown[index]
    const rows = (run.rows ?? 0) + length
    const lease = run.offset === undefined ? undefined : leaseNameOf(job, run)
    if (next !== undefined) {
      const isHeld = lease === undefined || (await renewLease(context, lease))
      return isHeld ? { run: { ...run, from: next, rows }, deliveries } : undefined
    }
    if (rows > shardRows && shard >= Math.floor(of / 2)) await growShards(context, run.topic, of)
    return lease && completeLease(context, lease)
  })
}

/** The events are posted, so a failure is only reported: a later delivery doubles the shards. */
async function growShards(context: InvocationContext, topic: string, of: number): Promise<void> {
  await context.store
    .growShards(topic, of, of * 2)
    .catch((thrown: unknown) => reportDelivery(context, undefined, thrown))
}

/** Runs `work` for each item at the same time. Returns the results, and adds the runs that fail to `failed`. */
async function forEachRun<A extends { readonly run: JobRun }, B>(
  items: readonly A[],
  failed: FailedRun[],
  work: (item: A, index: number) => Promise<B | undefined>,
): Promise<readonly B[]> {
  const results = await Promise.all(
    items.map(async (item, index) => {
      try {
        return await work(item, index)
      } catch (thrown) {
        failed.push({ run: item.run, thrown })
        return undefined
      }
    }),
  )
  return results.filter((result) => result !== undefined)
}
