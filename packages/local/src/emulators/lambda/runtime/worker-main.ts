import { parentPort, workerData } from 'node:worker_threads'
import { callHandler, handlerError, toHandlerError } from './call-handler.ts'
import { createContext } from './lambda-context.ts'
import { type Handler, runHandler } from './response-stream.ts'
import { sharedLayout, type WorkerBoot, type WorkerReply, type WorkerTask } from './worker-messages.ts'

// The code of a worker thread: Lambda's runtime around one bundle. The thread is frozen whenever it has no event.

const boot: WorkerBoot = workerData
const skew = new Float64Array(boot.shared, sharedLayout.skewAt, 1)
const received = new Int32Array(boot.shared, sharedLayout.receivedAt, 1)
let count = 0

showLineTime()
sendOutput()
const exported = await load()
let before = Promise.resolve().then(() => freeze(0)) // events run one at a time
parentPort?.on('message', (task: WorkerTask) => {
  count += 1
  const number = count
  before = before.then(() => answer(task, number))
})

async function load(): Promise<ReadonlyMap<string, unknown>> {
  try {
    const bundle: object = await import(boot.bundle)
    reply({ type: 'ready' })
    return new Map(Object.entries(bundle))
  } catch (error) {
    reply({ type: 'broken', error: toHandlerError(error) })
    return new Map()
  }
}

/** Runs the event with this number, then freezes the thread until the next one. */
async function answer(task: WorkerTask, number: number): Promise<void> {
  await nextIteration() // sockets that closed while the thread was frozen emit their events first
  reply({ type: 'answer', answer: await handle(task) })
  freeze(number)
}

async function handle(task: WorkerTask) {
  const handler = exported.get(task.exportName)
  if (typeof handler !== 'function')
    return handlerError('Runtime.HandlerNotFound', `${task.exportName} is undefined or not exported`)
  const context = createContext(task.seed, Date.now)
  const reader = task.isStreamed ? { onChunk: (chunk: Uint8Array) => reply({ type: 'chunk', chunk }) } : undefined
  return callHandler(() => runHandler(handler as Handler, JSON.parse(task.text), { context, reader }))
}

/**
 * Blocks this thread, including timers and sockets, until the next event arrives. Work that a handler did not await is
 * suspended meanwhile.
 */
function freeze(number: number): void {
  Atomics.wait(received, 0, number)
}

/** Replaces `Date` so that it shows the line's time, which a test may have moved forward. */
function showLineTime(): void {
  const machine = Date
  const now = () => machine.now() + Math.round(skew[0] ?? 0)
  globalThis.Date = new Proxy(machine, {
    get: (target, key) => (key === 'now' ? now : Reflect.get(target, key)),
    apply: () => new machine(now()).toString(),
    construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  })
}

function reply(message: WorkerReply): void {
  parentPort?.postMessage(message)
}

function nextIteration(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/**
 * Sends output as messages. They are in order with the answers, so that the parent knows which event wrote a text, and
 * they leave a thread that is blocked.
 */
function sendOutput(): void {
  for (const stream of ['stdout', 'stderr'] as const) {
    const decoder = new TextDecoder() // a character may be in two chunks
    const write = (chunk: unknown, encoding?: unknown, callback?: unknown): boolean => {
      const text = typeof chunk === 'string' ? chunk : decoder.decode(chunk as Uint8Array, { stream: true })
      reply({ type: 'output', stream, text })
      const done = typeof encoding === 'function' ? encoding : callback
      if (typeof done === 'function') queueMicrotask(() => done())
      return true
    }
    process[stream].write = write
  }
}
