/** `npm run limits`: bundles the generator of docs/reference/limits.md with the sources as they are and runs it. */
import { mkdirSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const outfile = `${root}packages/local/dist/limits.js` // from there it finds the packages that are not bundled
mkdirSync(`${root}packages/local/dist`, { recursive: true })
await build({
  absWorkingDir: root,
  entryPoints: ['tests/limits/main.ts'],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  conditions: ['trunkline-source'],
  external: ['@aws-sdk/*', '@smithy/*', '@trpc/*', 'dynalite', 'esbuild', 'zod'],
  logLevel: 'error',
})
process.chdir(root)
await import(pathToFileURL(outfile).href)
