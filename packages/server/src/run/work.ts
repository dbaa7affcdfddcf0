import type { WorkerJob } from './jobs.ts'
import { runLongCall } from './long-call.ts'
import { runGenerator } from './run-generator.ts'
import type { ServedScope } from './scope.ts'

/** One invocation of the `worker` function. It comes at least once: what it begins is claimed first. */
export async function work(scope: ServedScope, job: WorkerJob): Promise<void> {
  switch (job.kind) {
    case 'call':
      return runLongCall(scope, job)
    case 'generator':
      return runGenerator(scope, job)
  }
}
