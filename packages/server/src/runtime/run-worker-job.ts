import { runLongCall } from './calls/long-call.ts'
import type { WorkerJob } from './calls/worker-job.ts'
import type { InvocationContext } from './context/scope.ts'
import { runGenerator } from './generators/run-generator.ts'

/** One invocation of the `worker` function. It comes at least once: what it begins is claimed first. */
export async function work(scope: InvocationContext, job: WorkerJob): Promise<void> {
  switch (job.kind) {
    case 'call':
      return runLongCall(scope, job)
    case 'generator':
      return runGenerator(scope, job)
  }
}
