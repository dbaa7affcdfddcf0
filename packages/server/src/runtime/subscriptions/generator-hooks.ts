import { defined } from '@trunkline/protocol'
import { randomName } from '../../ports/clock.ts'
import { leaseMs } from '../calls/run-lease.ts'
import { type HeldPlace, placeOfGenerator, releaseRunPlace, takeRunPlace, tooManyRuns } from '../calls/run-place.ts'
import { type GeneratorJob, invokeWorker } from '../calls/worker-job.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { procedureOf } from '../procedures/run-procedure.ts'
import type { Claim, Subscribing, SubscriptionHooks } from './subscription-hooks.ts'

/**
 * The steps of a subscribe to a generator. The `worker` function iterates it and answers by pushes, since a frame's
 * function may take at most 29 s. The place among the runs of the caller comes first, so that a refused frame writes
 * nothing. The claim in the connection's own row comes next: of two equal frames one begins a run, and a frame that was
 * stopped before begins none.
 */
// [TL-GEN-1] [TL-GEN-6] [TL-RUN-1]
export function generatorHooks(
  context: InvocationContext,
  { client, request: { id, path, rawInput, lastEventId, ref, batchIndex } }: Subscribing,
): SubscriptionHooks {
  const from = randomName(context.clock, 20)
  const row = { connectionId: client.caller.connectionId, id: JSON.stringify(id), ref, expires: client.expires }
  let place: HeldPlace | undefined
  return {
    isCounted: false, // its run is
    async beforeClaim() {},
    async claim() {
      const found = await takeRunPlace(context, placeOfGenerator(client.caller, { id, ref }))
      if (found.status === 'full') return refuseOrThrow(found.retryAfterMs)
      place = found.place
      const claim = await context.store.claimRun({ ...row, run: from, lease: context.clock.now() + leaseMs })
      if (claim.status === 'claimed') return { status: 'claimed', shard: 0, repeated: false, wasLive: false } // no topic, so no shard
      // An equal frame may have begun the run that uses the place.
      const isRun = claim.row.on && claim.row.ref === ref && (claim.row.lease ?? 0) > context.clock.now()
      if (found.status === 'taken' && !isRun) await releaseRunPlace(context, place)
      return { status: 'refused', row: claim.row }
    },
    async registered() {
      const subscription: GeneratorJob['subscription'] = {
        ...{ id, path, ref, batchIndex },
        ...defined({ rawInput, lastEventId }),
      }
      try {
        const job = { ...{ client, subscription, from, n: 0, continues: false }, ...defined({ place }) }
        await invokeWorker(context, { kind: 'generator', ...job })
      } catch (thrown) {
        await context.store.stopSubscription(row) // an invocation that comes nevertheless finds it stopped
        await releaseRunPlace(context, place)
        throw thrown
      }
      return undefined
    },
    async resumed() {},
    async ended() {},
    started: async () => [],
  }

  /**
   * A frame that was answered before gets no error, since that would end the subscription of its id. The run of an
   * earlier attempt is ended: its client does not use it any more, and the next attempt gets its place.
   */
  async function refuseOrThrow(retryAfterMs: number): Promise<Claim> {
    const existing = await context.store.readSubscription(row.connectionId, row.id)
    if (existing !== undefined && existing.ref >= ref) return { status: 'refused', row: existing }
    const isReplaced = existing?.on === true && existing.run !== undefined
    if (isReplaced) await context.store.stopSubscription(row)
    throw tooManyRuns(context, isReplaced ? replacedMs : retryAfterMs)
  }
}

/** A run has noticed by then that it was stopped. */
const replacedMs = 2_000

const warned = new WeakSet<object>()

/** Warns once, in development as tRPC knows it, of a generator that cannot be recognised without running it. */
export function warnOfGenerator({ server, telemetry }: InvocationContext, path: string): void {
  const procedure = procedureOf(server, path)
  if (procedure === undefined || warned.has(procedure) || !server.router._def._config.isDev) return
  warned.add(procedure)
  const message = [
    `Subscription ${path} returns values of its own and is no async function*, so its middlewares and its resolver run`,
    `in the frame's function and again in the worker. Mark it with meta({ generator: true }): then its resolver runs once.`,
  ].join(' ')
  telemetry.log({ level: 'WARN', message, facts: { path } })
}
