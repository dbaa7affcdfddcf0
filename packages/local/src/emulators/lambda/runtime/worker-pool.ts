import { availableParallelism } from 'node:os'
import type { LocalClock } from '../../clock.ts'
import type { HandlerAnswer } from './call-handler.ts'
import { createSourcePlaces } from './source-locations.ts'
import { createBundle, type ReloadReport } from './worker-bundle.ts'
import { type PoolTask, startWorker, type WorkerLog, type WorkerThread } from './worker-thread.ts'

/**
 * Threads that run one bundle's handlers as deployed: they can be killed, and each has its own memory and environment.
 */
export interface WorkerPool {
  /** The names that the entry exports. */
  exports(): readonly string[]
  /** Runs one event. Undefined when it was killed. Never rejects. */
  run(task: PoolTask): Promise<HandlerAnswer | undefined>
  close(): Promise<void>
}

const keptWarm = 4 // idle threads of 14–27 MB each, kept for the next event
const spare = 2 // loaded threads kept for the next frame while background runs occupy theirs
// More concurrent loads would slow one another, and an event is more likely to find a free thread.
const loadedAtOnce = Math.max(2, availableParallelism())
const framesAtOnce = 16 // per group of frames; more of them wait

/** The default number of concurrent runs of each background function. */
const defaultBackgroundRuns = 16

/**
 * Bundles `entry` and runs its exports. `env` is the complete environment of the functions. With `watch`, a changed
 * source is rebuilt: later events use the new code, while busy threads finish on the old code. A change that does not
 * build is reported, and the old code stays in use. Throws `BundleError`.
 */
export async function createWorkerPool(options: {
  readonly entry: string
  readonly env: Readonly<Record<string, string>>
  readonly clock: LocalClock
  /**
   * The number of concurrent runs of each background function (`worker`, `deliver`, `delayed`, `tableStream`, a source
   * handler). Further events wait in order of arrival. @default 16
   */
  readonly backgroundRuns?: number
  readonly watch?: boolean
  readonly conditions?: readonly string[]
  readonly onReload?: (report: ReloadReport) => void
  /** Receives the output of functions. @default it is written to this process's own output */
  readonly onLog?: (log: WorkerLog) => void
}): Promise<WorkerPool> {
  const { entry, env, clock, conditions } = options
  const toSources = createSourcePlaces()
  const onLog = ({ stream, text }: WorkerLog) => (options.onLog ?? print)({ stream, text: toSources(text) })
  const threads = new Set<WorkerThread>()
  const idle: WorkerThread[] = []
  const groups = new Map<string, Group>()
  let closed = false
  let loading = 0
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
    loading += 1
    void thread.loaded.then(() => {
      loading -= 1
      serve()
    })
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
    for (const group of groups.values()) serveGroup(group)
  }
  function serveGroup(group: Group): void {
    const limit = group.foreground ? framesAtOnce : (options.backgroundRuns ?? defaultBackgroundRuns)
    while (group.running < limit && hasThread(group)) {
      const job = group.waiting.shift()
      if (job === undefined) return
      if (job.task.signal.aborted)
        job.settle(Promise.resolve(undefined)) // it was killed and needs no thread
      else give(group, job)
    }
  }
  /** One of the loading threads is reserved for frames. */
  function hasThread({ foreground }: Group): boolean {
    return idle.length > 0 || loading < (foreground ? loadedAtOnce : loadedAtOnce - 1)
  }
  function give(group: Group, job: Job): void {
    const thread = idle.pop() ?? start()
    group.running += 1
    const answer = thread.run(job.task).then(withSources)
    job.settle(answer)
    void answer.then(() => {
      group.running -= 1
      release(thread)
    })
    const inBackground = [...groups.values()].some(({ foreground, running }) => !foreground && running > 0)
    while (inBackground && idle.length < spare && loading < loadedAtOnce) idle.unshift(start())
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
  function groupOf({ group: { name, foreground } }: PoolTask): Group {
    const group = groups.get(name) ?? { foreground, waiting: [], running: 0 }
    groups.set(name, group)
    return group
  }
  function run(task: PoolTask): Promise<HandlerAnswer | undefined> {
    if (closed) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      const group = groupOf(task)
      group.waiting.push({ task, settle: resolve })
      serveGroup(group)
    })
  }
  idle.push(start()) // preloads a thread for the first event
  return {
    exports: () => bundle.current().exports,
    run,
    async close() {
      closed = true
      for (const { waiting } of groups.values())
        for (const job of waiting.splice(0)) job.settle(Promise.resolve(undefined))
      const ending = [...threads]
      for (const thread of ending) drop(thread)
      await Promise.all(ending.map((thread) => thread.ended))
      await bundle.close()
    },
  }
}

interface Job {
  readonly task: PoolTask
  readonly settle: (answer: Promise<HandlerAnswer | undefined>) => void
}

/** The events of one thread group. */
interface Group {
  readonly foreground: boolean
  readonly waiting: Job[]
  running: number
}

function print({ stream, text }: WorkerLog): void {
  process[stream].write(text)
}
