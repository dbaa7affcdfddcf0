import { join } from 'node:path'
import { type BuildOptions, build as buildWithEsbuild } from 'esbuild'
import type { Plugin } from 'rollup'

/**
 * Bundles the compiled entry of an application's functions for Lambda. Returns the path of the bundle. Throws warnings.
 */
type Bundler = (folder: string, entry: string) => Promise<string>

const require = "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);"

/** The bundlers of functions, each with the settings that resolve the AWS SDK differently. */
export const serverBundlers: Readonly<Record<string, Bundler>> = {
  'esbuild to ES modules': withEsbuild('esm', { format: 'esm' }),
  'esbuild to ES modules in chunks': withEsbuild('chunks', { format: 'esm', splitting: true }),
  'esbuild to ES modules in chunks, from ES modules': withEsbuild('chunks-of-modules', {
    format: 'esm',
    splitting: true,
    mainFields: ['module', 'main'],
  }),
  'esbuild to CommonJS': withEsbuild('cjs', { format: 'cjs' }),
  'esbuild to CommonJS, from ES modules': withEsbuild('cjs-of-modules', {
    format: 'cjs',
    mainFields: ['module', 'main'],
  }),
  rollup: withRollup,
  webpack: withWebpack,
  'Vite for a server': withVite,
}

function withEsbuild(name: string, options: BuildOptions): Bundler {
  return async (folder, entry) => {
    const extension = options.format === 'cjs' ? '.cjs' : '.mjs'
    const outdir = join(folder, 'server-esbuild', name)
    const { warnings } = await buildWithEsbuild({
      absWorkingDir: folder,
      entryPoints: [entry],
      outdir,
      outExtension: { '.js': extension },
      bundle: true,
      minify: true,
      platform: 'node',
      target: 'node20',
      logLevel: 'silent',
      ...(options.format === 'esm' && { banner: { js: require } }),
      ...options,
    })
    refuseWarnings(warnings.map(({ id, text }) => `${id}: ${text}`))
    return join(outdir, `functions${extension}`)
  }
}

async function withRollup(folder: string, entry: string): Promise<string> {
  const { rollup } = await import('rollup')
  const { nodeResolve } = await import('@rollup/plugin-node-resolve')
  const commonjs = pluginOf(await import('@rollup/plugin-commonjs'))
  const json = pluginOf(await import('@rollup/plugin-json'))
  const warnings: string[] = []
  const bundle = await rollup({
    input: entry,
    plugins: [nodeResolve({ preferBuiltins: true, exportConditions: ['node'] }), commonjs(), json()],
    onwarn: ({ code = '', message, id = '' }) => {
      if (!/circular/i.test(code) && id.includes('@trunkline')) warnings.push(message) // the SDK has circles of its own
    },
  })
  const dir = join(folder, 'server-rollup')
  await bundle.write({ dir, format: 'es', entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' })
  refuseWarnings(warnings)
  return join(dir, 'functions.mjs')
}

/** The plugins declare a CommonJS module, so the compiler takes their default export for the module itself. */
function pluginOf(plugin: { readonly default: unknown }): () => Plugin {
  return plugin.default as () => Plugin
}

async function withWebpack(folder: string, entry: string): Promise<string> {
  const { default: webpack } = await import('webpack')
  const path = join(folder, 'server-webpack')
  const compiler = webpack({
    context: folder,
    entry,
    mode: 'production',
    target: 'node20',
    output: { path, filename: 'functions.cjs', chunkFilename: '[name].cjs', library: { type: 'commonjs2' } },
  })
  await new Promise<void>((resolve, reject) => {
    compiler?.run((error, stats) => {
      if (error !== null) reject(error)
      else if (stats?.hasErrors()) reject(new Error(stats.toString({ all: false, errors: true })))
      else resolve()
    })
  })
  return join(path, 'functions.cjs')
}

async function withVite(folder: string, entry: string): Promise<string> {
  const { build } = await import('vite')
  const outDir = join(folder, 'server-vite')
  await build({
    root: folder,
    configFile: false,
    logLevel: 'silent',
    ssr: { noExternal: true },
    build: { ssr: entry, outDir, rollupOptions: { output: { entryFileNames: 'functions.mjs' } } },
  })
  return join(outDir, 'functions.mjs')
}

function refuseWarnings(warnings: readonly string[]): void {
  if (warnings.length > 0) throw new Error(`The bundler warns:\n${warnings.join('\n')}`)
}
