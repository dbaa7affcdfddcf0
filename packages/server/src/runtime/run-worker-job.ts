import { runLongCall } from './calls/long-call.ts'
import { releaseRunPlace } from './calls/run-place.ts'
import { receiveJob, type SentJob } from './calls/worker-job.ts'
import { isEnded } from './connections/restrictions.ts'
import { reportingCaller } from './context/failure-source.ts'
import type { InvocationContext } from './context/runtime-context.ts'
import { runGenerator } from './generators/run-generator.ts'

/**
 * Runs one invocation of the `worker` function. The platform invokes at least once, so each job is claimed before it
 * starts.
 */
export async function work(invocation: InvocationContext, sent: SentJob): Promise<void> {
  const context = reportingCaller(invocation, () => sent.client.caller)
  const job = await receiveJob(context, sent)
  const since = job.kind === 'call' ? job.askedAt : context.clock.now()
  if (await isEnded(context, job.client.caller, since)) return releaseRunPlace(context, job.place) // [TL-KICK-2]
  switch (job.kind) {
    case 'call':
      return runLongCall(context, job)
    case 'generator':
      return runGenerator(context, job)
  }
}
