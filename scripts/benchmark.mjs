/** `npm run benchmark:delivery -- --seconds 30`: bundles `benchmarks/<name>/src/main.ts` and runs it with the arguments given. */
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { checkNode, main, root, run, StepFailure } from './steps.mjs'

await main(async () => {
  const [name = '', ...args] = process.argv.slice(2)
  const folder = join(root, 'benchmarks', name)
  const entry = join(folder, 'src/main.ts')
  if (name === '' || !existsSync(entry)) throw new StepFailure(`there is no benchmark at ${entry}`)
  checkNode()
  // This command installs nothing: other processes may be using the packages.
  if (!existsSync(join(root, 'node_modules/esbuild')))
    throw new StepFailure('run `npm ci` first: the packages are missing')
  return run([await bundle(folder, entry), ...args])
})

/**
 * One file of the benchmark and the workspace's sources, so that no build is needed first. What is installed stays outside:
 * a rival is measured as its users run it. The file lies in the benchmark's folder, where its own dependencies are found.
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
