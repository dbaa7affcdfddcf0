import { Worker } from 'node:worker_threads'
import type { LocalClock } from '../../clock.ts'
import { type HandlerAnswer, type HandlerError, handlerError } from './call-handler.ts'
import type { ContextSeed } from './lambda-context.ts'
import type { ThreadGroup } from './thread-group.ts'
import { sharedLayout, type WorkerBoot, type WorkerReply, type WorkerTask } from './worker-messages.ts'

/** One event for a pool. */
export interface PoolTask {
  readonly exportName: string
  /** The event as JSON text. */
  readonly text: string
  readonly group: ThreadGroup
  /** Aborting it kills the invocation by ending the thread. */
  readonly signal: AbortSignal
  /**
   * Called when a loaded worker starts the event. The deadline counts from here. `initMs` is the worker's load time,
   * passed with its first event only.
   */
  begin(initMs?: number): ContextSeed
}

/** A thread of the pool. It runs one event at a time. */
export interface WorkerThread {
  readonly version: number
  /** False after it ended by a kill, an exit or `end`. */
  readonly alive: boolean
  /** Runs one event. Undefined when it was killed. Never rejects. */
  run(task: PoolTask): Promise<HandlerAnswer | undefined>
  end(): void
  readonly ended: Promise<void>
  /** Settles when the bundle is loaded, or when the thread ended before. */
  readonly loaded: Promise<unknown>
}

/** Output of a function, or the reason why its worker ended. */
export interface WorkerLog {
  readonly stream: 'stdout' | 'stderr'
  readonly text: string
}

// Machine time, unlike a function's own deadline: importing takes real time, and a test that moves the clock must not
// fail it. Lambda allows 10 s; many threads that start at once on a small machine need more.
const initTimeoutMs = 30_000
const initTimedOut = `Error: Init timed out after ${(initTimeoutMs / 1_000).toFixed(2)} seconds`
const clockSamplingMs = 20 // the delay with which a busy worker sees a moved clock

/** Starts a thread that loads the bundle. */
export function startWorker(options: {
  readonly workerMain: URL
  readonly bundle: string
  readonly version: number
  readonly env: Readonly<Record<string, string>>
  readonly clock: LocalClock
  readonly onLog: (log: WorkerLog) => void
}): WorkerThread {
  const { clock, onLog } = options
  const shared = new SharedArrayBuffer(sharedLayout.bytes)
  const skew = new Float64Array(shared, sharedLayout.skewAt, 1)
  const given = new Int32Array(shared, sharedLayout.givenAt, 1)
  const workerData: WorkerBoot = { bundle: options.bundle, shared }
  const worker = new Worker(options.workerMain, {
    workerData,
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true', ...options.env },
    execArgv: [], // does not inherit this process's flags: a loader or an inspector is not for the functions
    stdout: true,
    stderr: true,
  })
  let alive = true
  let crash: Error | undefined
  let onReply: (reply: WorkerReply | HandlerError | undefined) => void = () => {}
  const ended = new Promise<void>((resolve) => {
    worker.once('exit', (code) => {
      alive = false
      onReply(exitError(code, crash))
      resolve()
    })
  })
  worker.on('message', (reply: WorkerReply) => onReply(reply))
  worker.on('error', (error: Error) => {
    crash = error
    onLog({ stream: 'stderr', text: `${error?.stack ?? error}\n` })
  })
  worker.stdout.on('data', (text) => onLog({ stream: 'stdout', text: String(text) }))
  worker.stderr.on('data', (text) => onLog({ stream: 'stderr', text: String(text) }))
  const showTime = () => {
    skew[0] = clock.now() - Date.now()
  }
  showTime()
  const startedAt = Date.now() // importing takes real time
  let initMs: number | undefined
  const loaded = nextReply().then((reply) => {
    initMs = Date.now() - startedAt
    return reply
  })

  function nextReply(): Promise<WorkerReply | HandlerError | undefined> {
    return new Promise((resolve) => {
      onReply = resolve
    })
  }
  function end(reply?: HandlerError): void {
    alive = false
    onReply(reply)
    void worker.terminate() // ends a frozen thread without waking it
  }
  function thaw(): void {
    Atomics.add(given, 0, 1)
    Atomics.notify(given, 0)
  }
  async function run(task: PoolTask): Promise<HandlerAnswer | undefined> {
    const kill = () => end()
    task.signal.addEventListener('abort', kill, { once: true })
    if (task.signal.aborted) kill()
    const tooLong = setTimeout(() => end(handlerError('Sandbox.Timedout', initTimedOut)), initTimeoutMs)
    const first = await loaded
    clearTimeout(tooLong)
    const answer = first !== undefined && 'type' in first && first.type === 'ready' ? await give(task) : refuse(first)
    task.signal.removeEventListener('abort', kill)
    return answer
  }
  async function give(task: PoolTask): Promise<HandlerAnswer | undefined> {
    if (!alive) return undefined
    const seed = task.begin(initMs)
    initMs = undefined
    const message: WorkerTask = { exportName: task.exportName, text: task.text, seed }
    const answer = nextReply()
    const sampling = setInterval(showTime, clockSamplingMs)
    showTime()
    worker.postMessage(message)
    thaw()
    const reply = await answer
    clearInterval(sampling)
    if (reply === undefined || !('type' in reply)) return reply && withRequestId(reply, seed.awsRequestId)
    return reply.type === 'answer' ? reply.answer : undefined
  }
  /** Handles a bundle that failed to load, or a thread that ended while loading it. */
  function refuse(reply: WorkerReply | HandlerError | undefined): HandlerAnswer | undefined {
    if (alive) end()
    if (reply === undefined || !('type' in reply)) return reply
    return reply.type === 'broken' ? reply.error : undefined
  }
  return {
    version: options.version,
    get alive() {
      return alive
    },
    run,
    end: () => end(),
    ended,
    loaded,
  }
}

function exitError(code: number, crash: Error | undefined): HandlerError {
  const cause = crash === undefined ? '' : ` (${crash.name}: ${crash.message})`
  return handlerError('Runtime.ExitError', `Error: Runtime exited with error: exit status ${code}${cause}`)
}

function withRequestId(error: HandlerError, requestId: string): HandlerError {
  return { ...error, errorMessage: `RequestId: ${requestId} ${error.errorMessage}` }
}
