// One file over 200 lines: the pool is one state machine over its threads and the events that wait for them.

import { availableParallelism } from 'node:os'
import { defined } from '@trunkline/protocol'
import type { LocalClock } from '../../clock.ts'
import type { HandlerAnswer } from './call-handler.ts'
import { createSourcePlaces } from './source-locations.ts'
import { type Bundle, type BundleVersion, createBundle, type ReloadReport } from './worker-bundle.ts'
import { type PoolTask, type WorkerLog, WorkerThread } from './worker-thread.ts'

/**
 * Threads that run one bundle's handlers as deployed: they can be killed, and each has its own memory and environment.
 */
export interface WorkerPool {
  /** The names that the entry exports. */
  exports(): readonly string[]
  /** Runs one event. Undefined when it was killed. Never rejects. */
  run(task: PoolTask): Promise<HandlerAnswer | undefined>
  /** The build that later events use. */
  current(): BundleVersion
  /** Starts a thread of the caller, which loads another module with the functions' environment. The caller ends it. */
  startThread(module: Pick<BundleVersion, 'url' | 'version'>): WorkerThread
  close(): Promise<void>
}

const keptWarm = 4 // idle threads of 14–27 MB each, kept for the next event
const spare = 2 // loaded threads kept for the next frame while background runs occupy theirs
// More concurrent loads would slow one another, and an event is more likely to find a free thread.
const loadedAtOnce = Math.max(2, availableParallelism())
const framesAtOnce = 16 // per group of frames; more of them wait

/** The default number of concurrent runs of each background function. */
const defaultBackgroundRuns = 16

export interface WorkerPoolOptions {
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
}

/**
 * Bundles `entry` and runs its exports. `env` is the complete environment of the functions. With `watch`, a changed
 * source is rebuilt: later events use the new code, while busy threads finish on the old code. A change that does not
 * build is reported, and the old code stays in use. Throws `BundleError`.
 */
export async function createWorkerPool(options: WorkerPoolOptions): Promise<WorkerPool> {
  const { entry, watch = false, conditions } = options
  let pool: ThreadPool | undefined
  const bundle = await createBundle({
    entry,
    watch,
    ...defined({ conditions }),
    onReload(report) {
      if (report.status === 'reloaded') pool?.reload()
      options.onReload?.(report)
    },
  })
  pool = new ThreadPool(options, bundle)
  return pool
}

/** The threads of a pool, and the events that wait for one. */
class ThreadPool implements WorkerPool {
  readonly #options: WorkerPoolOptions
  readonly #bundle: Bundle
  readonly #toSources = createSourcePlaces()
  readonly #threads = new Set<WorkerThread>()
  readonly #idle: WorkerThread[] = []
  readonly #groups = new Map<string, Group>()
  #loading = 0
  #closed = false

  constructor(options: WorkerPoolOptions, bundle: Bundle) {
    this.#options = options
    this.#bundle = bundle
    this.#idle.push(this.#start()) // preloads a thread for the first event
  }

  exports(): readonly string[] {
    return this.#bundle.current().exports
  }

  current(): BundleVersion {
    return this.#bundle.current()
  }

  startThread({ version, url }: Pick<BundleVersion, 'url' | 'version'>): WorkerThread {
    const { env, clock, onLog = print } = this.#options
    return new WorkerThread({
      workerMain: this.#bundle.workerMain,
      bundle: url,
      version,
      env,
      clock,
      onLog: ({ stream, text }) => onLog({ stream, text: this.#toSources(text) }),
    })
  }

  run(task: PoolTask): Promise<HandlerAnswer | undefined> {
    if (this.#closed) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      const group = this.#groupOf(task)
      group.waiting.push({ task, settle: resolve })
      this.#serveGroup(group)
    })
  }

  /** Replaces the idle threads by one that loads the new code. */
  reload(): void {
    for (const thread of this.#idle.splice(0)) this.#drop(thread)
    if (!this.#closed) this.#idle.push(this.#start())
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const { waiting } of this.#groups.values())
      for (const job of waiting.splice(0)) job.settle(Promise.resolve(undefined))
    const ending = [...this.#threads]
    for (const thread of ending) this.#drop(thread)
    await Promise.all(ending.map((thread) => thread.ended))
    await this.#bundle.close()
  }

  #start(): WorkerThread {
    const thread = this.startThread(this.#bundle.current())
    this.#threads.add(thread)
    this.#loading += 1
    void thread.loaded.then(() => {
      this.#loading -= 1
      this.#serve()
    })
    void thread.ended.then(() => this.#remove(thread))
    return thread
  }

  #drop(thread: WorkerThread): void {
    this.#threads.delete(thread)
    thread.end()
  }

  #remove(thread: WorkerThread): void {
    this.#threads.delete(thread)
    const at = this.#idle.indexOf(thread)
    if (at >= 0) this.#idle.splice(at, 1)
    this.#serve()
  }

  #serve(): void {
    for (const group of this.#groups.values()) this.#serveGroup(group)
  }

  #serveGroup(group: Group): void {
    const limit = group.foreground ? framesAtOnce : (this.#options.backgroundRuns ?? defaultBackgroundRuns)
    while (group.running < limit && this.#hasThread(group)) {
      const job = group.waiting.shift()
      if (job === undefined) return
      if (job.task.signal.aborted)
        job.settle(Promise.resolve(undefined)) // it was killed and needs no thread
      else this.#assign(group, job)
    }
  }

  /** One of the loading threads is reserved for frames. */
  #hasThread({ foreground }: Group): boolean {
    return this.#idle.length > 0 || this.#loading < (foreground ? loadedAtOnce : loadedAtOnce - 1)
  }

  #assign(group: Group, job: Job): void {
    const thread = this.#idle.pop() ?? this.#start()
    group.running += 1
    const answer = thread.run(this.#readable(job.task)).then((result) => this.#withSources(result))
    job.settle(answer)
    void answer.then(() => {
      group.running -= 1
      this.#release(thread)
    })
    const inBackground = [...this.#groups.values()].some(({ foreground, running }) => !foreground && running > 0)
    while (inBackground && this.#idle.length < spare && this.#loading < loadedAtOnce) this.#idle.unshift(this.#start())
  }

  /** The task with the output's locations in the sources. */
  #readable(task: PoolTask): PoolTask {
    const { onOutput } = task
    if (onOutput === undefined) return task
    return { ...task, onOutput: ({ stream, text }) => onOutput({ stream, text: this.#toSources(text) }) }
  }

  #withSources(answer: HandlerAnswer | undefined): HandlerAnswer | undefined {
    return answer?.status === 'error' ? { ...answer, trace: answer.trace.map(this.#toSources) } : answer
  }

  #release(thread: WorkerThread): void {
    if (this.#closed) return
    const stale = thread.version !== this.#bundle.current().version
    if (!thread.alive || stale) this.#drop(thread)
    else this.#idle.push(thread)
    this.#serve()
    while (this.#idle.length > keptWarm) for (const extra of this.#idle.splice(0, 1)) this.#drop(extra)
  }

  #groupOf({ group: { name, foreground } }: PoolTask): Group {
    const group = this.#groups.get(name) ?? { foreground, waiting: [], running: 0 }
    this.#groups.set(name, group)
    return group
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
