/**
 * `npm run size`: prints the bytes that a browser loads for `createClient` and `createConnection`, by part and by file.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { checkNode, main, root, StepFailure } from './steps.mjs'

const code = `
  import { createClient, createConnection } from './index.ts'
  globalThis.client = createClient({ connection: createConnection({ url: 'wss://example.com' }) })
`
const trpc = '@trpc/*'

await main(async () => {
  checkNode()
  if (!existsSync(join(root, 'node_modules/esbuild')))
    throw new StepFailure('run `npm ci` first: the packages are missing')
  const [all, withoutTrpc, own] = [await bundle([]), await bundle([trpc]), await bundle([trpc, 'partysocket'])]
  print('total', all.gzipBytes)
  print('  createTRPCClient', all.gzipBytes - withoutTrpc.gzipBytes)
  print('  partysocket', withoutTrpc.gzipBytes - own.gzipBytes)
  print('  the rest, by file in the same proportion', own.gzipBytes)
  const minified = own.files.reduce((sum, { bytes }) => sum + bytes, 0)
  for (const { file, bytes } of own.files) print(`    ${file}`, (own.gzipBytes * bytes) / minified)
  return 0
})

/**
 * @param {string} what
 * @param {number} bytes
 */
function print(what, bytes) {
  process.stdout.write(`${what.padEnd(50)} ${(bytes / 1_024).toFixed(2).padStart(6)} KB gzip\n`)
}

/** Bundles as `packages/client/src/bundle.test.ts` does. @param {string[]} external */
async function bundle(external) {
  const { build } = await import('esbuild')
  const { outputFiles, metafile } = await build({
    stdin: { contents: code, resolveDir: join(root, 'packages/client/src'), loader: 'ts' },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    absWorkingDir: root,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions: ['trunkline-source'],
    external,
  })
  const [output] = Object.values(metafile.outputs)
  const files = Object.entries(output?.inputs ?? {})
    .map(([file, { bytesInOutput }]) => ({ file: file.replace('packages/', ''), bytes: bytesInOutput }))
    .filter(({ bytes }) => bytes > 0)
    .sort((a, b) => b.bytes - a.bytes)
  return { gzipBytes: gzipSync(outputFiles[0]?.contents ?? '').length, files }
}
