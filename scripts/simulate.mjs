/** `npm run simulate -- --schedules 10000 --seed 1`: bundles the simulator from its sources and runs it. */
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const outfile = `${root}packages/simulator/dist/simulate.js`
await build({
  absWorkingDir: root,
  entryPoints: ['packages/simulator/src/main.ts'],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  conditions: ['trunkline-source'],
  external: ['@aws-sdk/*', '@trpc/*', 'esbuild', 'partysocket', 'zod'],
  sourcemap: 'inline',
  logLevel: 'error',
})
await import(pathToFileURL(outfile).href)
