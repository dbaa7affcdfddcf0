import { Worker } from 'node:worker_threads'
import type { LocalClock } from '../../clock.ts'
import { type HandlerAnswer, type HandlerError, handlerError } from './call-handler.ts'
import type { ContextSeed } from './lambda-context.ts'
import type { ResponseReader } from './response-stream.ts'
import type { ThreadGroup } from './thread-group.ts'
import { sharedLayout, type WorkerBoot, type WorkerReply, type WorkerTask } from './worker-messages.ts'

/** One event for a pool. */
export interface PoolTask {
  readonly exportName: string
  /** The event as JSON text. */
  readonly text: string
  readonly group: ThreadGroup
  /** Gets the response while it is written, of a function that streams it. */
  readonly reader?: ResponseReader
  /** Gets what the function writes while it runs this event; with a thread's first event, what it wrote before. */
  readonly onOutput?: (output: WorkerLog) => void
  /** Aborting it kills the invocation by ending the thread. */
  readonly signal: AbortSignal
  /**
   * Called when a loaded worker starts the event. The deadline counts from here. `initMs` is the worker's load time,
   * passed with its first event only.
   */
  begin(initMs?: number): ContextSeed
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
const earlyKept = 100 // texts
const clockSamplingMs = 20 // the delay with which a busy worker sees a moved clock

export interface WorkerOptions {
  /** The script that the thread starts with. */
  readonly workerMain: URL
  /** `file:` URL of the bundle. */
  readonly bundle: string
  readonly version: number
  readonly env: Readonly<Record<string, string>>
  readonly clock: LocalClock
  readonly onLog: (log: WorkerLog) => void
}

/** The next report of a thread: a message, the reason of its end, or undefined after a kill. */
type NextReply = WorkerReply | HandlerError | undefined

/** A thread of the pool. It loads the bundle at its start and runs one event at a time. */
export class WorkerThread {
  readonly version: number
  readonly ended: Promise<void>
  /** Settles when the bundle is loaded, or when the thread ended before. */
  readonly loaded: Promise<NextReply>
  readonly #clock: LocalClock
  readonly #worker: Worker
  readonly #skew: Float64Array
  readonly #received: Int32Array
  #alive = true
  #crash: Error | undefined
  #initMs: number | undefined
  #onReply: (reply: NextReply) => void = () => {}
  #reader: ResponseReader | undefined
  #onOutput: PoolTask['onOutput']
  /** What the bundle wrote while it loaded, until the first event. */
  readonly #early: WorkerLog[] = []

  constructor(options: WorkerOptions) {
    const shared = new SharedArrayBuffer(sharedLayout.bytes)
    const workerData: WorkerBoot = { bundle: options.bundle, shared }
    this.version = options.version
    this.#clock = options.clock
    this.#skew = new Float64Array(shared, sharedLayout.skewAt, 1)
    this.#received = new Int32Array(shared, sharedLayout.receivedAt, 1)
    this.#worker = new Worker(options.workerMain, {
      workerData,
      env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true', ...options.env },
      execArgv: [], // does not inherit this process's flags: a loader or an inspector is not for the functions
      stdout: true,
      stderr: true,
    })
    this.ended = this.#listen(options.onLog)
    this.#showTime()
    this.loaded = this.#measureLoad()
  }

  /** False after it ended by a kill, an exit or `end`. */
  get alive(): boolean {
    return this.#alive
  }

  /** Runs one event. Undefined when it was killed. Never rejects. */
  async run(task: PoolTask): Promise<HandlerAnswer | undefined> {
    const kill = () => this.#end()
    task.signal.addEventListener('abort', kill, { once: true })
    if (task.signal.aborted) kill()
    const tooLong = setTimeout(() => this.#end(handlerError('Sandbox.Timedout', initTimedOut)), initTimeoutMs)
    const first = await this.loaded
    clearTimeout(tooLong)
    const isReady = first !== undefined && 'type' in first && first.type === 'ready'
    const answer = isReady ? await this.#send(task) : this.#onFailedLoad(first)
    task.signal.removeEventListener('abort', kill)
    return answer
  }

  end(): void {
    this.#end()
  }

  #listen(onLog: WorkerOptions['onLog']): Promise<void> {
    const worker = this.#worker
    const output = ({ stream, text }: WorkerLog) => {
      onLog({ stream, text })
      if (this.#onOutput !== undefined) this.#onOutput({ stream, text })
      else if (this.#early.length < earlyKept) this.#early.push({ stream, text })
    }
    worker.on('message', (reply: WorkerReply) => {
      if (reply.type === 'chunk') this.#reader?.onChunk(reply.chunk)
      else if (reply.type === 'output') output(reply)
      else this.#onReply(reply)
    })
    worker.on('error', (error: Error) => {
      this.#crash = error
      output({ stream: 'stderr', text: `${error?.stack ?? error}\n` })
    })
    worker.stdout.on('data', (text) => output({ stream: 'stdout', text: String(text) }))
    worker.stderr.on('data', (text) => output({ stream: 'stderr', text: String(text) }))
    return new Promise((resolve) => {
      worker.once('exit', (code) => {
        this.#alive = false
        this.#onReply(exitError(code, this.#crash))
        resolve()
      })
    })
  }

  /** Importing takes real time. */
  async #measureLoad(): Promise<NextReply> {
    const startedAt = Date.now()
    const reply = await this.#nextReply()
    this.#initMs = Date.now() - startedAt
    return reply
  }

  #nextReply(): Promise<NextReply> {
    return new Promise((resolve) => {
      this.#onReply = resolve
    })
  }

  async #send(task: PoolTask): Promise<HandlerAnswer | undefined> {
    if (!this.#alive) return undefined
    const seed = task.begin(this.#initMs)
    this.#initMs = undefined
    const { exportName, text, reader, onOutput = () => {} } = task
    this.#reader = reader
    this.#onOutput = onOutput
    for (const early of this.#early.splice(0)) onOutput(early)
    const message: WorkerTask = { exportName, text, seed, isStreamed: reader !== undefined }
    const answer = this.#nextReply()
    const sampling = setInterval(() => this.#showTime(), clockSamplingMs)
    this.#showTime()
    this.#worker.postMessage(message)
    this.#thaw()
    const reply = await answer
    clearInterval(sampling)
    if (reply === undefined || !('type' in reply)) return reply && withRequestId(reply, seed.awsRequestId)
    return reply.type === 'answer' ? reply.answer : undefined
  }

  /** Handles a bundle that failed to load, or a thread that ended while loading it. */
  #onFailedLoad(reply: NextReply): HandlerAnswer | undefined {
    if (this.#alive) this.#end()
    if (reply === undefined || !('type' in reply)) return reply
    return reply.type === 'broken' ? reply.error : undefined
  }

  #showTime(): void {
    this.#skew[0] = this.#clock.now() - Date.now()
  }

  #thaw(): void {
    Atomics.add(this.#received, 0, 1)
    Atomics.notify(this.#received, 0)
  }

  #end(reply?: HandlerError): void {
    this.#alive = false
    this.#onReply(reply)
    void this.#worker.terminate() // ends a frozen thread without waking it
  }
}

function exitError(code: number, crash: Error | undefined): HandlerError {
  const cause = crash === undefined ? '' : ` (${crash.name}: ${crash.message})`
  return handlerError('Runtime.ExitError', `Error: Runtime exited with error: exit status ${code}${cause}`)
}

function withRequestId(error: HandlerError, requestId: string): HandlerError {
  return { ...error, errorMessage: `RequestId: ${requestId} ${error.errorMessage}` }
}
