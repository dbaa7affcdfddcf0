import { execFile } from 'node:child_process'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { tracedName } from './bundle.ts'

/** One start of a function in a process of its own. */
export interface Start {
  /** Milliseconds from the import of the entry to its end. */
  readonly initMs: number
  /** Milliseconds of the first event. */
  readonly firstMs: number | undefined
  readonly answer: unknown
  /** Of a traced bundle, the files that were read by then. */
  readonly read: readonly string[]
}

export interface ProbeOptions {
  readonly file: string
  readonly handler: string
  /** Whether the process is told which function it is, as Lambda tells it. @default true */
  readonly named?: boolean
  /** Without one, the function is only started. */
  readonly event?: unknown
  readonly env?: Readonly<Record<string, string>>
}

/** What the process does: it imports the entry, handles one event, and tells. */
const program = `
const { file, handler, event } = JSON.parse(process.env.PROBE)
const context = { getRemainingTimeInMillis: () => 20_000 }
const begun = performance.now()
const functions = await import(file)
const started = performance.now()
const answer = event === undefined ? undefined : await functions[handler](event, context)
const firstMs = event === undefined ? undefined : performance.now() - started
const told = { initMs: started - begun, firstMs, answer, read: globalThis.${tracedName} ?? [] }
process.stderr.write('PROBE ' + JSON.stringify(told) + '\\n', () => process.exit(0))
`

/** Starts a function in a fresh process, as a cold start does. Throws with the process's words when it fails. */
export async function probe({ file, handler, named = true, event, env = {} }: ProbeOptions): Promise<Start> {
  const { PATH, SYSTEMROOT } = process.env
  const { stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    env: {
      PATH,
      SYSTEMROOT,
      NODE_OPTIONS: '--enable-source-maps', // as serverless.yml sets it
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      ...(named && { _HANDLER: `lambda.${handler}` }),
      ...env,
      PROBE: JSON.stringify({ file: pathToFileURL(file).href, handler, event }),
    },
    timeout: 30_000,
  })
  const told = stderr.split('\n').find((each) => each.startsWith('PROBE '))
  if (told === undefined) throw new Error(`The function told nothing:\n${stderr}`)
  return JSON.parse(told.slice('PROBE '.length)) as Start
}
