import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'

const example = join(import.meta.dirname, '..')

/** The command-line client in a process of its own, behind pipes. */
export interface CommandLine extends AsyncDisposable {
  /** All lines printed so far. */
  lines(): readonly string[]
  type(line: string): void
  /** Resolves to the exit code. */
  readonly ended: Promise<number | null>
}

export async function startCommandLine(args: readonly string[]): Promise<CommandLine> {
  const folder = await mkdtemp(join(tmpdir(), 'trunkline-chat-cli-'))
  const outfile = join(folder, 'cli.mjs')
  await build({
    entryPoints: [join(example, 'src/cli/main.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['trunkline-source'],
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
  })
  const child = spawn(process.execPath, [outfile, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  return {
    lines: () => printed.split('\n'),
    type: (line) => void child.stdin.write(`${line}\n`),
    ended,
    async [Symbol.asyncDispose]() {
      child.kill()
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}
