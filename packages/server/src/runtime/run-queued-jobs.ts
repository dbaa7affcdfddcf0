import { checkUnconfirmed, type UnconfirmedCheck } from './connections/unconfirmed.ts'
import { reportDelivery } from './context/report-delivery.ts'
import type { InvocationContext } from './context/runtime-context.ts'
import { deliver } from './delivery/deliver.ts'
import type { DeliverJob } from './delivery/deliver-job.ts'
import { checkPresence } from './presence/check-departed.ts'
import type { PresenceCheck } from './presence/rows/disconnect-session.ts'

/** A message of the delay queue: a check of a presence or of an unconfirmed connection, or a retry of a delivery. */
export type QueuedWork = {
  /** The message's id, by which a failure is returned. */
  readonly message: string
} & ({ readonly check: PresenceCheck | UnconfirmedCheck } | { readonly job: DeliverJob })

/** Runs the jobs of a batch independently. Returns the ids of the messages that failed; the queue repeats them. */
export async function doQueued(context: InvocationContext, works: readonly QueuedWork[]): Promise<readonly string[]> {
  const failed = works.map(async (work) => {
    try {
      await ('check' in work ? runCheck(context, work.check) : deliverOrInvoke(context, work.job))
      return []
    } catch (thrown) {
      reportDelivery(context, undefined, thrown)
      return [work.message]
    }
  })
  return (await Promise.all(failed)).flat()
}

/** Runs a check of a presence, or of an unconfirmed connection. */
export function runCheck(context: InvocationContext, check: PresenceCheck | UnconfirmedCheck): Promise<void> {
  return 'presence' in check ? checkPresence(context, check) : checkUnconfirmed(context, check)
}

/**
 * A retry that fails again is invoked as a function: the platform repeats it sooner than the queue does, and puts it
 * into the on-failure queue.
 */
async function deliverOrInvoke(context: InvocationContext, job: DeliverJob): Promise<void> {
  await deliver(context, job).catch(async (thrown: unknown) => {
    if (context.invoker === undefined) throw thrown
    await context.invoker.invoke('deliver', job)
  })
}
