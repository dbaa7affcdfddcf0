import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'

const sources = join(import.meta.dirname, '../src/scripts')

/** Runs a script as its own process, which has AWS credentials and nothing else. Gives what it printed. */
export type RunScript = (name: 'move' | 'tick' | 'fill', ...args: readonly string[]) => Promise<string>

/** Builds the scripts as `npm run build` does. */
export async function buildScripts(
  folder: string,
  environment: () => Readonly<Record<string, string>>,
): Promise<RunScript> {
  await build({
    entryPoints: (await readdir(sources)).map((name) => join(sources, name)),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['trunkline-source'],
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
    logLevel: 'error',
  })
  return async (name, ...args) => {
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, `${name}.mjs`), ...args], {
      env: { PATH: process.env['PATH'] ?? '', ...environment() },
      timeout: 20_000,
    })
    return stdout.trim()
  }
}
