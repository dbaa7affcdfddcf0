import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'

/** `trunkline` in a process of its own. */
export interface RunningCommand {
  /** Resolves when it has printed a line that contains this text. Rejects if it ends before. */
  printed(text: string): Promise<void>
  kill(signal: NodeJS.Signals): void
  /** Closes an output, as `head` does when it has enough. */
  close(output: 'stdout' | 'stderr'): void
  /** Resolves to the exit code, all lines, and what is on stdout. */
  readonly ended: Promise<Ended>
}

interface Ended {
  readonly code: number | null
  readonly lines: readonly string[]
  readonly out: string
}

/** The command line, bundled once for all tests of a file. */
export async function bundleCommandLine() {
  const folder = await mkdtemp(join(tmpdir(), 'trunkline-cli-'))
  const outfile = join(folder, 'cli.mjs')
  const entry = join(import.meta.dirname, '../cli.ts')
  await build({
    ...{ entryPoints: [entry], outfile, bundle: true, platform: 'node', format: 'esm', target: 'node20' },
    conditions: ['trunkline-source'],
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
  })
  return {
    folder,
    file: outfile,
    start(args: readonly string[], environment: Readonly<Record<string, string>>): RunningCommand {
      const env = { PATH: process.env['PATH'] ?? '', ...environment }
      const child = spawn(process.execPath, [outfile, ...args], { cwd: folder, env })
      let [text, out] = ['', '']
      const waiting = new Set<() => void>()
      for (const output of [child.stdout, child.stderr])
        output.setEncoding('utf8').on('data', (part: string) => {
          text += part
          if (output === child.stdout) out += part
          for (const look of waiting) look()
        })
      const ended = new Promise<Ended>((resolve) =>
        child.once('close', (code) => resolve({ code, lines: text.split('\n').filter((line) => line !== ''), out })),
      )
      return {
        kill: (signal) => void child.kill(signal),
        close: (output) => void child[output].destroy(),
        ended,
        printed: (expected) =>
          new Promise((resolve, reject) => {
            const look = () => {
              if (text.includes(expected)) resolve()
            }
            waiting.add(look)
            look()
            void ended.then(({ lines }) => reject(new Error(`It ended without "${expected}": ${lines.join('; ')}`)))
          }),
      }
    },
    end: () => rm(folder, { recursive: true, force: true }),
  }
}
