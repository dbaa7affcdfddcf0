/** `npm run fuzz -- --frames 100000 --seed 1`: bundles the fuzzer with the sources as they are and runs it. */
import { mkdirSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const outfile = `${root}packages/simulator/dist/fuzz.js` // from there it finds the packages that are not bundled
mkdirSync(`${root}packages/simulator/dist`, { recursive: true })
await build({
  absWorkingDir: root,
  entryPoints: ['tests/fuzz/main.ts'],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  conditions: ['trunkline-source'],
  external: ['@aws-sdk/*', '@trpc/*', 'esbuild', 'zod'],
  sourcemap: 'inline',
  logLevel: 'error',
})
await import(pathToFileURL(outfile).href)
