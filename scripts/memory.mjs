/**
 * `npm run memory -- --rate 20 --minutes 60`: publishes into a local line in memory, with ten subscribers, and prints
 * heap, buffers and resident memory each 15 s. `--calls` makes plain calls in place of publishes.
 */
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const outfile = `${root}packages/local/dist/memory.js`
await build({
  absWorkingDir: root,
  entryPoints: ['packages/local/src/testing/memory.suite.ts'],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  conditions: ['trunkline-source'],
  external: ['@aws-sdk/*', '@smithy/*', '@trpc/*', 'dynalite', 'esbuild', 'partysocket', 'ws', 'zod'],
  logLevel: 'error',
})
await import(pathToFileURL(outfile).href)
