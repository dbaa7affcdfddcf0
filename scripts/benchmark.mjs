/**
 * `npm run benchmark:delivery -- --seconds 30`: bundles `benchmarks/<name>/src/main.ts` and runs it with these
 * arguments.
 */
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { checkNode, main, root, run, StepFailure } from './steps.mjs'

await main(async () => {
  const [name = '', ...args] = process.argv.slice(2)
  const folder = join(root, 'benchmarks', name)
  const entry = join(folder, 'src/main.ts')
  if (name === '' || !existsSync(entry))
    throw new StepFailure(`Expected the name of a benchmark, but there is no ${entry}.`)
  checkNode()
  // no install here: other processes may be using the packages
  if (!existsSync(join(root, 'node_modules/esbuild')))
    throw new StepFailure('run `npm ci` first: the packages are missing')
  return run([await bundle(folder, entry), ...args])
})

/**
 * Bundles the benchmark with the workspace's sources into one file, so that it needs no build. Installed packages stay
 * outside, so that others are measured as their users run them. The file is in the benchmark's folder, from which its
 * dependencies are resolved.
 * @param {string} folder
 * @param {string} entry
 */
async function bundle(folder, entry) {
  const { build } = await import('esbuild')
  const outfile = join(folder, 'node_modules/.cache/main.mjs')
  mkdirSync(join(folder, 'node_modules/.cache'), { recursive: true })
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['trunkline-source'],
    plugins: [{ name: 'installed', setup: leaveInstalledOutside }],
    sourcemap: 'inline',
    logLevel: 'error',
  })
  return outfile
}

/** @param {import('esbuild').PluginBuild} build */
function leaveInstalledOutside(build) {
  build.onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
    kind === 'entry-point' || path.startsWith('@trunkline/') ? undefined : { path, external: true },
  )
}
