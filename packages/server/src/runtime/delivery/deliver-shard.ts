import { randomName } from '../../ports/clock.ts'
import type { InvocationContext } from '../context/scope.ts'
import { toTRPCError } from '../context/to-trpc-error.ts'
import { trafficOf } from '../posting/gateway-traffic.ts'
import { accountRate } from '../posting/post-pacer.ts'
import {
  acquireLease,
  completeLease,
  type LeaseName,
  type Reading,
  releaseLease,
  renewingLeases,
  renewLease,
} from './acquire-shard-lease.ts'
import { type DeliverJob, type JobRun, toDeliveries, toJob, traceOf } from './deliver-job.ts'
import { deliverWithRetry } from './schedule-retry.ts'

/** A job of one shard. */
export type ShardJob = DeliverJob & { readonly shard: number }

/** A job that can be told from others. */
type NamedJob = Omit<ShardJob, 'beside'> & { readonly turn: string }

/** A run that could not be delivered from its place on. */
interface Failed {
  readonly run: JobRun
  readonly thrown: unknown
}

/** A page begins only with this much time left. */
const pageMs = 8_000
/** ShardLease after turn is taken for so long, and then by another invocation. */
const turnsMs = 120_000 // two minutes
/** Rows of a page are no more than can be posted in this time at the rate that the gateway now takes. */
const pageSeconds = 30
/** What hangs holds up the next events of the others for no longer than this; it is handed to retry. */
const slowPostsMs = 1_000 // 1 s
/** A page is not smaller, however slow the gateway. */
const leastRows = 100
/**
 * More rows in a shard double K. The younger half alone decides: it holds what was put since K last grew, and the old shards stay full though nothing is put
 * there.
 */
const shardRows = 5_000

/**
 * Posts to a shard, page by page: each run's page with those of the runs beside it, since the same connections stand in the same places there. One job at a time is
 * at a topic's shard, and what comes meanwhile goes together in the next turn (decision 33). Hands on before its deadline. A run that fails goes into a job of its
 * own and holds up no other [LAW-ISOLATION]; throws when it is alone already, or that failed too.
 */
export async function deliverShard(scope: InvocationContext, { beside = [], ...job }: ShardJob): Promise<void> {
  const first = { turn: randomName(scope.clock, 12), ...job }
  const { shard, turn, of } = first
  const where = { shard, turn, ...(of !== undefined && { of }), ...traceOf(scope) }
  const scheduleRetry = async (runs: readonly JobRun[]) => scope.invoker?.invoke('deliver', toJob(runs, where))
  const began = scope.clock.now()
  const failed: Failed[] = []
  const lingering: Promise<unknown>[] = []
  const handFailed = async () => {
    for (const { run, thrown } of beside.length === 0 ? [] : failed.splice(0)) {
      report(scope, thrown)
      await scheduleRetry([run]).catch((again: unknown) => failed.push({ run, thrown: again }))
    }
  }
  limitPace(scope, first)
  try {
    let left = await acquireLeases(scope, first, [toJobRun(first), ...beside], failed)
    for (; left.length > 0; left = await deliverPages(scope, first, left, { failed, lingering })) {
      await handFailed()
      if (!isTimeToHandOn(scope, began, left)) continue
      await scheduleRetry(left.map(({ run }) => run))
      break
    }
    await handFailed()
  } finally {
    await Promise.all(lingering)
  }
  if (failed.length > 0) await giveUp(scope, first, failed)
}

/** Before its deadline, or after some time of turn after turn, so that the function's duration still says something. */
function isTimeToHandOn(
  { clock, deadline, invoker }: InvocationContext,
  began: number,
  left: readonly Reading[],
): boolean {
  if (invoker === undefined) return false
  const isBetweenTurns = left.every(({ run }) => run.from === undefined)
  return deadline.at - clock.now() < pageMs || (isBetweenTurns && clock.now() - began > turnsMs)
}

/** The platform tries again; meanwhile others may. */
async function giveUp(scope: InvocationContext, job: NamedJob, failed: readonly Failed[]): Promise<never> {
  for (const { run } of failed)
    if (run.offset !== undefined) await releaseLease(scope, placeOf(job, run)).catch(() => {}) // then its lease ends it
  throw failed[0]?.thrown
}

function placeOf({ shard, turn }: NamedJob, { topic, taking }: JobRun): LeaseName {
  return { topic, shard, by: turn, taking }
}

/** A shard's part of the account's rate. */
function limitPace(scope: InvocationContext, { of = 1 }: ShardJob): void {
  if (scope.gateway !== undefined) trafficOf(scope.gateway, scope.clock).pace.limit(accountRate / of)
}

/** What is delivered, without where. */
function toJobRun({ shard: _shard, turn: _turn, of: _of, traceparent: _traceparent, ...run }: NamedJob): JobRun {
  return run
}

/** What it is this job's turn to deliver: of a log, what nobody else is at; an ephemeral event in any case. */
function acquireLeases(
  scope: InvocationContext,
  job: NamedJob,
  runs: readonly JobRun[],
  failed: Failed[],
): Promise<readonly Reading[]> {
  const places = runs.map((run) => ({ run }))
  return each(places, failed, async ({ run }) =>
    run.offset === undefined
      ? { run, deliveries: await toDeliveries(scope, run) }
      : acquireLease(scope, placeOf(job, run), run),
  )
}

/** Posts one page of each. Gives what has more. */
async function deliverPages(
  scope: InvocationContext,
  job: NamedJob,
  readings: readonly Reading[],
  { failed, lingering }: { readonly failed: Failed[]; readonly lingering: Promise<unknown>[] },
): Promise<readonly Reading[]> {
  const { shard, of = 1 } = job
  const pace = scope.gateway && trafficOf(scope.gateway, scope.clock).pace
  const limit = Math.max(leastRows, Math.floor(((pace?.rate() ?? accountRate) * pageSeconds) / readings.length))
  const pages = await each(readings, failed, async (reading) => {
    const { topic, from } = reading.run
    const page = await scope.store.readSubscribers(topic, shard, { limit, ...(from === undefined ? {} : { from }) })
    return { ...reading, rows: page.subscribers, next: page.next }
  })
  const trackPending = (work: Promise<unknown>) => void lingering.push(work)
  const turns = readings.flatMap(({ run }) => (run.offset === undefined ? [] : [placeOf(job, run)]))
  const thrown = await renewingLeases(scope, turns, deliverWithRetry(scope, pages, { slowPostsMs, trackPending }))
  return each(pages, failed, async ({ run, deliveries, rows: { length }, next }, index) => {
    if (thrown[index] !== undefined) throw thrown[index]
    const rows = (run.rows ?? 0) + length
    const place = run.offset === undefined ? undefined : placeOf(job, run)
    if (next !== undefined) {
      const isOurs = place === undefined || (await renewLease(scope, place))
      return isOurs ? { run: { ...run, from: next, rows }, deliveries } : undefined
    }
    if (rows > shardRows && shard >= Math.floor(of / 2)) await grow(scope, run.topic, of)
    return place && completeLease(scope, place)
  })
}

/** All is posted: a shard that could not be doubled now is by the next delivery. */
async function grow(scope: InvocationContext, topic: string, of: number): Promise<void> {
  await scope.store.growShards(topic, of, of * 2).catch((thrown: unknown) => report(scope, thrown))
}

/** Does the same for each, alone; gives what comes of it, and takes note of what fails. */
async function each<A extends { readonly run: JobRun }, B>(
  items: readonly A[],
  failed: Failed[],
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

function report(scope: InvocationContext, thrown: unknown): void {
  scope.server.report({ error: toTRPCError(thrown), path: undefined, cause: 'delivery' })
}
