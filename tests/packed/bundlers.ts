import { join } from 'node:path'
import { build as buildWithEsbuild } from 'esbuild'

/** Bundles the entry into one module for a browser. Returns its path. */
type Bundler = (folder: string, entry: string) => Promise<string>

/** The most common bundlers, each with its defaults. */
export const bundlers = { esbuild: withEsbuild, vite: withVite, webpack: withWebpack } as const satisfies Record<
  string,
  Bundler
>

async function withEsbuild(folder: string, entry: string): Promise<string> {
  const outfile = join(folder, 'esbuild/talk.js')
  await buildWithEsbuild({
    absWorkingDir: folder,
    entryPoints: [entry],
    outfile,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'silent',
  })
  return outfile
}

async function withVite(folder: string, entry: string): Promise<string> {
  const { build } = await import('vite')
  await build({
    root: folder,
    configFile: false,
    logLevel: 'silent',
    build: { outDir: 'vite', lib: { entry, formats: ['es'], fileName: () => 'talk.js' } },
  })
  return join(folder, 'vite/talk.js')
}

async function withWebpack(folder: string, entry: string): Promise<string> {
  const { default: webpack } = await import('webpack')
  const compiler = webpack({
    context: folder,
    entry,
    mode: 'production',
    target: 'web',
    output: { path: join(folder, 'webpack'), filename: 'talk.js' },
  })
  await new Promise<void>((resolve, reject) => {
    compiler?.run((error, stats) => {
      if (error !== null) reject(error)
      else if (stats?.hasErrors() || stats?.hasWarnings())
        reject(new Error(stats.toString({ all: false, errors: true, warnings: true })))
      else resolve()
    })
  })
  return join(folder, 'webpack/talk.js')
}
