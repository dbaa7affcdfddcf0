import { runLongCall } from './calls/long-call.ts'
import { releaseRunPlace } from './calls/run-place.ts'
import { receiveJob, type SentJob } from './calls/worker-job.ts'
import { isEnded } from './connections/restrictions.ts'
import { reportingCaller } from './context/failure-source.ts'
import type { InvocationContext } from './context/runtime-context.ts'
import { runGenerator } from './generators/run-generator.ts'
import { lookAtStream } from './producers/run-producer.ts'
import type { StreamJob } from './streams/settle.ts'

/**
 * Runs one invocation of the `worker` function. The platform invokes at least once, so each job is claimed before it
 * starts.
 */
export async function work(invocation: InvocationContext, sent: SentJob | StreamJob): Promise<void> {
  if (sent.kind === 'stream') return lookAtStream(invocation, sent)
  const { caller } = sent.client
  const context = { ...reportingCaller(invocation, () => caller), starter: caller }
  const job = await receiveJob(context, sent)
  const since = job.kind === 'call' ? job.askedAt : context.clock.now()
  if (await isEnded(context, job.client.caller, since)) return releaseRunPlace(context, job.place) // [TL-KICK-2]
  switch (job.kind) {
    case 'call':
      return context.enter(context, () => runLongCall(context, job))
    case 'generator':
      return context.enter(context, () => runGenerator(context, job))
  }
}
