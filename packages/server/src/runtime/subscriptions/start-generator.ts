import { randomName } from '../../ports/clock.ts'
import { leaseMs } from '../calls/run-lease.ts'
import { type Client, type GeneratorJob, invokeWorker } from '../calls/worker-job.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { procedureOf } from '../procedures/run-procedure.ts'
import { refuseClaim } from './refuse-subscribe.ts'
import type { SubscribeRequest } from './subscribe-request.ts'

/**
 * Has a generator iterated by the `worker` function, which answers by pushes: a frame's function may not outlive 29 s.
 * The claim comes first, in the connection's own row, so that of two equal frames one begins a run, and none that was stopped before. Throws as `refuseClaim` does.
 */
// [TL-GEN-1] [TL-GEN-6]
export async function startGenerator(
  scope: InvocationContext,
  client: Client,
  { id, path, rawInput, lastEventId, ref, batchIndex }: SubscribeRequest,
): Promise<readonly string[]> {
  const { caller, expires } = client
  const from = randomName(scope.clock, 20)
  const row = { connectionId: caller.connectionId, id: JSON.stringify(id), ref, expires }
  const claim = await scope.store.claimRun({ ...row, run: from, lease: scope.clock.now() + leaseMs })
  if (claim.status === 'refused') return refuseClaim(scope, caller, { id, path, ref, topic: noTopic }, claim.row)
  const subscription: GeneratorJob['subscription'] = {
    ...{ id, path, ref, batchIndex },
    ...(rawInput === undefined ? {} : { rawInput }),
    ...(lastEventId === undefined ? {} : { lastEventId }),
  }
  try {
    await invokeWorker(scope, { kind: 'generator', client, subscription, from, n: 0, continues: false })
  } catch (thrown) {
    await scope.store.stopSubscription(row) // an invocation that comes all the same finds it stopped
    throw thrown
  }
  return []
}

/** Differs from every topic's name. */
const noTopic = ''

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
