import type { InvocationContext } from './context/scope.ts'
import { toTRPCError } from './context/to-trpc-error.ts'
import { deliver } from './delivery/deliver.ts'
import type { DeliverJob } from './delivery/deliver-job.ts'
import { checkPresence } from './presence/check-departed.ts'
import type { PresenceCheck } from './presence/rows/disconnect-session.ts'

/** A message of the queue that delays invocations: a member to look at, or a delivery to try again. */
export type QueuedWork = {
  /** Names the message, to report it. */
  readonly message: string
} & ({ readonly check: PresenceCheck } | { readonly job: DeliverJob })

/** Does the work of a batch, each alone; gives the messages of what failed, which come again. */
export async function doQueued(scope: InvocationContext, works: readonly QueuedWork[]): Promise<readonly string[]> {
  const failed = works.map(async (work) => {
    try {
      await ('check' in work ? checkPresence(scope, work.check) : deliverOrRepeat(scope, work.job))
      return []
    } catch (thrown) {
      scope.server.report({ error: toTRPCError(thrown), path: undefined, cause: 'delivery' })
      return [work.message]
    }
  })
  return (await Promise.all(failed)).flat()
}

/** A retry that fails goes on as every other does, by the platform's repeats: sooner than the queue's, and into the on-failure queue. */
async function deliverOrRepeat(scope: InvocationContext, job: DeliverJob): Promise<void> {
  await deliver(scope, job).catch(async (thrown: unknown) => {
    if (scope.invoker === undefined) throw thrown
    await scope.invoker.invoke('deliver', job)
  })
}
