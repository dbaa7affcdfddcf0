import { readFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type BuildOptions, build, type Metafile } from 'esbuild'

/** The bundle of an entry, as it is deployed. */
export interface Bundle {
  /** The absolute path of the entry's file. */
  readonly file: string
  /** Bytes of all files that are loaded at init, chunks included. */
  readonly initBytes: number
  readonly initGzip: number
  /** Bytes of all files in the package, without source maps. */
  readonly allBytes: number
  /** The packages, or folders of this repository, whose code is in a file, by the file's name. */
  readonly packagesOf: ReadonlyMap<string, readonly string[]>
  /** The names of the files that are loaded at init. */
  readonly initFiles: readonly string[]
}

interface BundleOptions {
  readonly settings: BuildOptions
  readonly root: string
  readonly entry: string
  readonly outdir: string
  /** Makes each file record at run time that it was loaded, to find what a path loads. Never used for timing. */
  readonly traced?: boolean
}

/** The global with the URLs of the loaded files of a traced bundle, in the order of their evaluation. */
export const tracedName = 'trunklineTraced'

/** Bundles one entry with the settings of a deployment. */
export async function bundle({ settings, root, entry, outdir, traced = false }: BundleOptions): Promise<Bundle> {
  const trace = `(globalThis.${tracedName}??=[]).push(import.meta.url);`
  const banner = { js: `${settings.banner?.['js'] ?? ''}${traced ? trace : ''}` }
  const { metafile } = await build({
    ...settings,
    banner,
    absWorkingDir: root,
    entryPoints: [entry],
    outdir,
    metafile: true,
    logLevel: 'error',
  })
  return toBundle(metafile, { root, entry })
}

function toBundle({ outputs }: Metafile, { root, entry }: Pick<BundleOptions, 'root' | 'entry'>): Bundle {
  const files = Object.keys(outputs).filter((file) => !file.endsWith('.map'))
  const main = files.find((file) => outputs[file]?.entryPoint === entry)
  if (main === undefined) throw new Error(`esbuild made no file of ${entry}.`)
  const init = startedBy(main, outputs)
  const text = Buffer.concat([...init].map((file) => readFileSync(join(root, file))))
  return {
    file: resolve(root, main),
    initBytes: text.byteLength,
    initGzip: gzipSync(text).byteLength,
    allBytes: files.reduce((sum, file) => sum + (outputs[file]?.bytes ?? 0), 0),
    packagesOf: new Map(files.map((file) => [basename(file), packagesIn(Object.keys(outputs[file]?.inputs ?? {}))])),
    initFiles: [...init].map((file) => basename(file)),
  }
}

/** A file with all its static imports. */
function startedBy(main: string, outputs: Metafile['outputs']): ReadonlySet<string> {
  const init = new Set([main])
  for (const file of init)
    for (const { path, kind, external } of outputs[file]?.imports ?? [])
      if (kind === 'import-statement' && external !== true) init.add(path)
  return init
}

function packagesIn(inputs: readonly string[]): readonly string[] {
  return [...new Set(inputs.map(packageOf))].sort()
}

function packageOf(input: string): string {
  const installed = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)
  return installed?.[1] ?? input.split('/').slice(0, 2).join('/')
}
