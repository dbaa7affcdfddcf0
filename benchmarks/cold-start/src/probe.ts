import { execFile } from 'node:child_process'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { tracedName } from './bundle.ts'

/** One start of a function in a process of its own. */
export interface Start {
  /** Milliseconds to import the entry. */
  readonly initMs: number
  /** Milliseconds of the first event. */
  readonly firstMs: number | undefined
  readonly answer: unknown
  /** The files that a traced bundle had loaded by then. */
  readonly read: readonly string[]
}

export interface ProbeOptions {
  readonly file: string
  readonly handler: string
  /** Whether the process has the function's name in its environment, as on Lambda. @default true */
  readonly named?: boolean
  /** The first event. Without it, the function is only started. */
  readonly event?: unknown
  readonly env?: Readonly<Record<string, string>>
}

/** The program of the process: imports the entry, handles one event, and prints the times. */
const program = `
const { file, handler, event } = JSON.parse(process.env.PROBE)
const context = { getRemainingTimeInMillis: () => 20_000 }
const begun = performance.now()
const functions = await import(file)
const started = performance.now()
const answer = event === undefined ? undefined : await functions[handler](event, context)
const firstMs = event === undefined ? undefined : performance.now() - started
const result = { initMs: started - begun, firstMs, answer, read: globalThis.${tracedName} ?? [] }
process.stderr.write('PROBE ' + JSON.stringify(result) + '\\n', () => process.exit(0))
`

/** Starts a function in a new process, like a cold start. Throws with the output of the process when it fails. */
export async function probe({ file, handler, named = true, event, env = {} }: ProbeOptions): Promise<Start> {
  const { PATH, SYSTEMROOT } = process.env
  const { stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    env: {
      PATH,
      SYSTEMROOT,
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      ...(named && { _HANDLER: `lambda.${handler}` }),
      ...env,
      PROBE: JSON.stringify({ file: pathToFileURL(file).href, handler, event }),
    },
    timeout: 30_000,
  })
  const result = stderr.split('\n').find((each) => each.startsWith('PROBE '))
  if (result === undefined) throw new Error(`The function printed no result:\n${stderr}`)
  return JSON.parse(result.slice('PROBE '.length)) as Start
}
