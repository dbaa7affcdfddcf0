import type { LocalClock } from '../clock.ts'
import type { HandlerAnswer } from './call-handler.ts'
import { createSourcePlaces } from './source-places.ts'
import { createBundle, type ReloadReport } from './worker-bundle.ts'
import { type PoolTask, startWorker, type WorkerLog, type WorkerThread } from './worker-thread.ts'

/** Threads that run one bundle's handlers as deployed: killable, each with its own memory and environment. */
export interface WorkerPool {
  /** The names that the entry exports. */
  exports(): readonly string[]
  /** Undefined when it was killed. Never rejects. */
  run(task: PoolTask): Promise<HandlerAnswer | undefined>
  close(): Promise<void>
}

const keptWarm = 4 // threads of 14–27 MB that wait for the next event
const atMost = 16 // threads at once; more events than that queue

/**
 * Bundles `entry` and runs its exports. `env` is all the environment that the functions see. With `watch`, a change is built and taken by the events to
 * come, while busy threads finish on the old code; a change that does not build is reported and the old code goes on. Throws `BundleError`.
 */
export async function createWorkerPool(options: {
  readonly entry: string
  readonly env: Readonly<Record<string, string>>
  readonly clock: LocalClock
  readonly watch?: boolean
  readonly conditions?: readonly string[]
  readonly onReload?: (report: ReloadReport) => void
  /** @default what functions print goes to this process's own output */
  readonly onLog?: (log: WorkerLog) => void
}): Promise<WorkerPool> {
  const { entry, env, clock, conditions } = options
  const toSources = createSourcePlaces()
  const onLog = ({ stream, text }: WorkerLog) => (options.onLog ?? print)({ stream, text: toSources(text) })
  const threads = new Set<WorkerThread>()
  const idle: WorkerThread[] = []
  const queue: { readonly task: PoolTask; readonly settle: (answer: Promise<HandlerAnswer | undefined>) => void }[] = []
  let closed = false
  const bundle = await createBundle({
    entry,
    watch: options.watch ?? false,
    ...(conditions && { conditions }),
    onReload(report) {
      if (report.status === 'reloaded') retire()
      options.onReload?.(report)
    },
  })

  function retire(): void {
    for (const thread of idle.splice(0)) drop(thread)
    if (!closed) idle.push(start())
  }
  function start(): WorkerThread {
    const { version, url } = bundle.current()
    const { workerMain } = bundle
    const thread = startWorker({ workerMain, bundle: url, version, env, clock, onLog })
    threads.add(thread)
    void thread.ended.then(() => forget(thread))
    return thread
  }
  function drop(thread: WorkerThread): void {
    threads.delete(thread)
    thread.end()
  }
  function forget(thread: WorkerThread): void {
    threads.delete(thread)
    const at = idle.indexOf(thread)
    if (at >= 0) idle.splice(at, 1)
    serve()
  }
  function serve(): void {
    while (queue.length > 0) {
      if (dropKilled()) continue
      const thread = idle.pop() ?? (threads.size < atMost ? start() : undefined)
      const job = thread && queue.shift()
      if (thread === undefined || job === undefined) return
      const answer = thread.run(job.task).then(withSources)
      job.settle(answer)
      void answer.then(() => release(thread))
    }
  }
  /** An event that was killed while it waited must cost no thread. */
  function dropKilled(): boolean {
    if (queue[0]?.task.signal.aborted !== true) return false
    queue.shift()?.settle(Promise.resolve(undefined))
    return true
  }
  function withSources(answer: HandlerAnswer | undefined): HandlerAnswer | undefined {
    return answer?.status === 'error' ? { ...answer, trace: answer.trace.map(toSources) } : answer
  }
  function release(thread: WorkerThread): void {
    if (closed) return
    const stale = thread.version !== bundle.current().version
    if (!thread.alive || stale) drop(thread)
    else idle.push(thread)
    serve()
    while (idle.length > keptWarm) idle.splice(0, 1).forEach(drop)
  }
  function run(task: PoolTask): Promise<HandlerAnswer | undefined> {
    if (closed) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      queue.push({ task, settle: resolve })
      serve()
    })
  }
  idle.push(start()) // the first event finds a loaded thread
  return {
    exports: () => bundle.current().exports,
    run,
    async close() {
      closed = true
      for (const job of queue.splice(0)) job.settle(Promise.resolve(undefined))
      const ending = [...threads]
      for (const thread of ending) drop(thread)
      await Promise.all(ending.map((thread) => thread.ended))
      await bundle.close()
    },
  }
}

function print({ stream, text }: WorkerLog): void {
  process[stream].write(text)
}
