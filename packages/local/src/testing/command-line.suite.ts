import { PassThrough } from 'node:stream'
import { runCommandLine } from '../cli/run.ts'

/** What a command printed, and its exit code. */
export interface CommandLineResult {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs `trunkline` in this process and environment, without a terminal. Resolves when it ends. */
export async function runTrunkline(
  args: readonly string[],
  { input = '', interrupted = new AbortController().signal, onOut }: RunSettings = {},
): Promise<CommandLineResult> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  stdin.end(input)
  let [out, err] = ['', '']
  stdout.setEncoding('utf8').on('data', (part: string) => {
    out += part
    onOut?.(out)
  })
  stderr.setEncoding('utf8').on('data', (part: string) => {
    err += part
  })
  const code = await runCommandLine(args, { streams: { stdin, stdout, stderr }, interrupted })
  await new Promise((resolve) => setImmediate(resolve)) // the streams pass on what was written last
  return { code, out, err }
}

interface RunSettings {
  /** What the command reads from stdin. */
  readonly input?: string
  readonly interrupted?: AbortSignal
  /** Receives all of the output at each change. */
  readonly onOut?: (out: string) => void
}
