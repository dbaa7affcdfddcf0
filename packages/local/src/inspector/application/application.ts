import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import type { WorkerPool } from '../../emulators/lambda/runtime/worker-pool.ts'
import type { WorkerThread } from '../../emulators/lambda/runtime/worker-thread.ts'
import type { ApplicationPort, Description, EncodedInput } from '../local/application-port.ts'
import type { ApplicationFunctions } from './application-main.ts'

/** One build of the entry, in a thread of its own. */
interface Loaded {
  readonly version: number
  readonly thread: Promise<WorkerThread>
  description: Promise<Description> | undefined
}

const isSource = import.meta.url.endsWith('.ts')
const limitMs = 30_000 // the entry may have code that does not end

/**
 * The application behind a pool's entry. It runs in a thread of its own, with the functions' environment: the entry is
 * the user's code, and each reload brings another copy of it.
 */
export class PoolApplication implements ApplicationPort {
  readonly #pool: WorkerPool
  #loaded: Loaded | undefined
  #known: Description | undefined
  #last = Promise.resolve<unknown>(undefined)

  constructor(pool: WorkerPool) {
    this.#pool = pool
  }

  version(): number {
    return this.#pool.current().version
  }

  known(): Description | undefined {
    return this.#known
  }

  async describe(): Promise<Description> {
    const loaded = this.#load()
    loaded.description ??= this.#run<Description>('describe', {})
    try {
      this.#known = await loaded.description
      return this.#known
    } catch (error) {
      loaded.description = undefined // the next one tries again
      throw error
    }
  }

  async publish(event: Parameters<ApplicationFunctions['publish']>[0]): Promise<string | undefined> {
    return (await this.#run<string | null>('publish', event)) ?? undefined
  }

  encode(call: Parameters<ApplicationFunctions['encode']>[0]): Promise<EncodedInput> {
    return this.#run('encode', call)
  }

  async decode(output: unknown): Promise<string | undefined> {
    return (await this.#run<string | null>('decode', { output })) ?? undefined
  }

  async close(): Promise<void> {
    const thread = await this.#loaded?.thread.catch(() => undefined) // it did not start
    thread?.end()
    await thread?.ended
  }

  #load(): Loaded {
    const { version } = this.#pool.current()
    if (this.#loaded?.version === version) return this.#loaded
    this.#loaded?.thread.then((thread) => thread.end()).catch(() => {}) // it did not start
    this.#loaded = { version, thread: this.#start(), description: undefined }
    return this.#loaded
  }

  /** Writes a module next to the entry's build that wraps it, and loads it. */
  async #start(): Promise<WorkerThread> {
    const { url, version } = this.#pool.current()
    const folder = dirname(fileURLToPath(url))
    const main = await prepareMain(folder)
    const file = join(folder, `application-${version}.mjs`)
    const names = 'describe, publish, encode, decode'
    await writeFile(
      file,
      `import * as entry from ${JSON.stringify(url)}\nimport { serveApplication } from ${JSON.stringify(main)}\nexport const { ${names} } = serveApplication(entry)\n`,
    )
    return this.#pool.startThread({ url: pathToFileURL(file).href, version })
  }

  /** Runs a function after those before it: a thread runs one event at a time. */
  #run<T>(exportName: keyof ApplicationFunctions, event: unknown): Promise<T> {
    const loaded = this.#load()
    const answer = this.#last.then(async () => runIn<T>(await loaded.thread, exportName, event))
    this.#last = answer.catch(() => this.#dropEnded(loaded))
    return answer
  }

  /** The next request starts another thread in place of one that did not start or has ended. */
  async #dropEnded(loaded: Loaded): Promise<void> {
    const thread = await loaded.thread.catch(() => undefined)
    if (thread?.alive !== true && this.#loaded === loaded) this.#loaded = undefined
  }
}

/** Runs a function of the thread. Rejects with what it threw, or after 30 s. */
async function runIn<T>(thread: WorkerThread, exportName: string, event: unknown): Promise<T> {
  const signal = AbortSignal.timeout(limitMs)
  const answer = await thread.run({
    exportName,
    text: JSON.stringify(event),
    group: { name: 'inspector', foreground: false },
    signal,
    begin: () => ({ functionName: 'inspector', awsRequestId: 'inspector', deadline: Date.now() + limitMs }),
  })
  if (answer?.status === 'ok') return JSON.parse(answer.text) as T
  throw new Error(answer?.errorMessage ?? `The entry's code did not end within ${limitMs / 1_000} s.`)
}

/** The URL of the module of the thread. The built package has it; from sources it is bundled first. */
async function prepareMain(folder: string): Promise<string> {
  if (!isSource) return new URL('./inspector-application.js', import.meta.url).href
  const outfile = join(folder, 'inspector-application.mjs')
  await build({
    entryPoints: [fileURLToPath(new URL('./application-main.ts', import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['trunkline-source'],
    logLevel: 'silent',
    banner: { js: 'import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);' },
  })
  return pathToFileURL(outfile).href
}
