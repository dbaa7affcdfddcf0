import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type BuildOptions, type BuildResult, build, context } from 'esbuild'
import { type BuildProblem, BundleError, isBuildFailure, toProblem } from './build-error.ts'

/** One build of the entry. Each build has its own file, because an ES module cannot be unloaded. */
export interface BundleVersion {
  readonly version: number
  /** `file:` URL. */
  readonly url: string
  readonly exports: readonly string[]
}

/** The result of a change. After `failed`, the previous code stays in use. */
export type ReloadReport =
  | { readonly status: 'reloaded'; readonly exports: readonly string[] }
  | { readonly status: 'failed'; readonly problems: readonly BuildProblem[] }

/** A bundle that is rebuilt when its sources change. */
export interface Bundle {
  /** The script that a worker thread starts with. */
  readonly workerMain: URL
  current(): BundleVersion
  close(): Promise<void>
}

interface Output {
  readonly code: string
  readonly map: string
  readonly exports: readonly string[]
}

const isSource = import.meta.url.endsWith('.ts')
const target = { bundle: true, platform: 'node', format: 'esm', target: 'node20' } as const satisfies BuildOptions
const entryOptions = {
  ...target,
  write: false,
  metafile: true,
  minify: true,
  keepNames: true, // an error's errorType is its class's name
  sourcemap: 'external', // workers do not read the map: see source-locations.ts
  sourcesContent: false, // a trace needs only file and line
  logLevel: 'silent',
  // For CommonJS modules inside the bundle, such as the AWS SDK's. The name `__cr` is unlikely to conflict with an
  // entry's own names.
  banner: { js: 'import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);' },
} as const satisfies BuildOptions

/**
 * Bundles `entry` for workers. With `watch`, it rebuilds after each change of a source. Throws `BundleError` when the
 * first build fails.
 */
export async function createBundle(options: {
  readonly entry: string
  readonly watch: boolean
  /** The export conditions of the build. @default `trunkline-source` when Trunkline runs from its sources, else none */
  readonly conditions?: readonly string[]
  readonly onReload?: (report: ReloadReport) => void
}): Promise<Bundle> {
  const { entry } = options
  const folder = await mkdtemp(join(tmpdir(), 'trunkline-'))
  let onBuild: (result: BuildResult) => Promise<void> = async () => {}
  const building = await context({
    ...entryOptions,
    entryPoints: [resolve(entry)],
    outfile: join(folder, 'function.mjs'),
    conditions: [...(options.conditions ?? (isSource ? ['trunkline-source'] : []))],
    plugins: [{ name: 'follow', setup: (setup) => setup.onEnd((result) => onBuild(result)) }],
  })
  async function close(): Promise<void> {
    await building.dispose()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const workerMain = await prepareWorkerMain(folder)
    const first = readOutput(await building.rebuild(), entry)
    if (!('code' in first)) throw new BundleError(entry, first)
    const { current, change } = await followChanges(folder, first, options.onReload ?? (() => {}))
    onBuild = (result) => change(readOutput(result, entry))
    if (options.watch) await building.watch()
    return { workerMain, current, close }
  } catch (error) {
    await close()
    throw isBuildFailure(error) ? new BundleError(entry, error.errors.map(toProblem)) : error
  }
}

/**
 * Keeps the newest output that was built. A watcher builds once without a change at its start, and again when a broken
 * source is restored.
 */
async function followChanges(folder: string, first: Output, onReload: (report: ReloadReport) => void) {
  let { code } = first
  let current = await writeVersion(folder, 1, first)
  let broken = false
  async function change(output: Output | readonly BuildProblem[]): Promise<void> {
    const repaired = broken
    broken = !('code' in output)
    if (!('code' in output)) return onReload({ status: 'failed', problems: output })
    if (output.code === code && !repaired) return
    if (output.code !== code) current = await writeVersion(folder, current.version + 1, output)
    code = output.code
    onReload({ status: 'reloaded', exports: output.exports })
  }
  return { current: () => current, change }
}

function readOutput(result: BuildResult, entry: string): Output | readonly BuildProblem[] {
  if (result.errors.length > 0) return result.errors.map(toProblem)
  const exports = Object.values(result.metafile?.outputs ?? {}).flatMap((made) => (made.entryPoint ? made.exports : []))
  if (exports.length === 0)
    return [{ file: entry, message: 'The module has no exports. Export what createLambdaHandlers returns.' }]
  const textOf = (ending: string) => result.outputFiles?.find((file) => file.path.endsWith(ending))?.text ?? ''
  return { code: textOf('.mjs'), map: textOf('.map'), exports }
}

/** Writes a version. The previous version stays for workers that are busy with it; the one before it is deleted. */
async function writeVersion(folder: string, version: number, output: Output): Promise<BundleVersion> {
  const name = (of: number) => join(folder, `function-${of}.mjs`)
  await writeFile(`${name(version)}.map`, output.map)
  await writeFile(name(version), output.code)
  await rm(name(version - 2), { force: true })
  await rm(`${name(version - 2)}.map`, { force: true })
  return { version, url: pathToFileURL(name(version)).href, exports: output.exports }
}

/**
 * The built package includes `worker-main.js`. When Trunkline runs from its sources, the script is bundled first, since
 * Node 20 cannot run TypeScript.
 */
async function prepareWorkerMain(folder: string): Promise<URL> {
  if (!isSource) return new URL('./worker-main.js', import.meta.url)
  const outfile = join(folder, 'worker-main.mjs')
  const source = fileURLToPath(new URL('./worker-main.ts', import.meta.url))
  await build({ ...target, entryPoints: [source], outfile })
  return pathToFileURL(outfile)
}
