import { defined } from '@trunkline/protocol'
import { randomName } from '../../ports/clock.ts'
import { leaseMs } from '../calls/run-lease.ts'
import { type GeneratorJob, invokeWorker } from '../calls/worker-job.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { procedureOf } from '../procedures/run-procedure.ts'
import type { Subscribing, SubscriptionHooks } from './subscription-hooks.ts'

/**
 * The steps of a subscribe to a generator. The `worker` function iterates it and answers by pushes, since a frame's
 * function may take at most 29 s. The claim in the connection's own row comes first: of two equal frames one begins a
 * run, and a frame that was stopped before begins none.
 */
// [TL-GEN-1] [TL-GEN-6]
export function generatorHooks(
  context: InvocationContext,
  { client, request: { id, path, rawInput, lastEventId, ref, batchIndex } }: Subscribing,
): SubscriptionHooks {
  const from = randomName(context.clock, 20)
  const row = { connectionId: client.caller.connectionId, id: JSON.stringify(id), ref, expires: client.expires }
  return {
    async beforeClaim() {},
    async claim() {
      const claim = await context.store.claimRun({ ...row, run: from, lease: context.clock.now() + leaseMs })
      if (claim.status === 'refused') return { status: 'refused', row: claim.row }
      return { status: 'claimed', shard: 0, repeated: false } // it has no topic, and so no row in a shard
    },
    async registered() {
      const subscription: GeneratorJob['subscription'] = {
        ...{ id, path, ref, batchIndex },
        ...defined({ rawInput, lastEventId }),
      }
      try {
        await invokeWorker(context, { kind: 'generator', client, subscription, from, n: 0, continues: false })
      } catch (thrown) {
        await context.store.stopSubscription(row) // an invocation that comes nevertheless finds it stopped
        throw thrown
      }
      return undefined
    },
    async resumed() {},
    async ended() {},
    started: async () => [],
  }
}

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
