/** `npm run chat -- --room lobby --name ann`: the chat's command-line client, bundled from its sources and run with the arguments given. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { checkNode, install, main, root, run } from './steps.mjs'

await main(async () => {
  checkNode()
  await install()
  return run([await bundle(), ...process.argv.slice(2)])
})

/** One file from the sources, the workspace's packages included, so that no build is needed first. */
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
