/** `npm run cost`: bundles the generator of docs/reference/cost.md with the sources as they are and runs it. */
import { mkdirSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const outfile = `${root}node_modules/.cache/trunkline-cost.mjs`
mkdirSync(`${root}node_modules/.cache`, { recursive: true })
await build({
  absWorkingDir: root,
  entryPoints: ['tests/cost/main.ts'],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  conditions: ['trunkline-source'],
  logLevel: 'error',
})
process.chdir(root)
await import(pathToFileURL(outfile).href)
