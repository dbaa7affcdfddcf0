/**
 * `npm run chat -- --room lobby --name ann`: bundles the chat's command-line client from its sources and runs it with
 * these arguments.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { checkNode, install, main, root, run } from './steps.mjs'

await main(async () => {
  checkNode()
  await install()
  return run([await bundle(), ...process.argv.slice(2)])
})

/** Bundles the sources with the workspace's packages into one file, so that it needs no build. */
async function bundle() {
  const { build } = await import('esbuild')
  const folder = join(root, 'node_modules/.cache/trunkline')
  mkdirSync(folder, { recursive: true })
  const outfile = join(folder, 'chat.mjs')
  await build({
    entryPoints: [join(root, 'examples/chat/src/cli/main.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['trunkline-source'],
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
    logLevel: 'error',
  })
  return outfile
}
