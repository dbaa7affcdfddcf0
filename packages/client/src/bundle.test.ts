import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { expect, test } from 'vitest'

/** The bundle of `code` for browsers, without React. */
async function bundle(
  code: string,
  external: string[] = [],
): Promise<{ readonly inputs: readonly string[]; readonly gzipBytes: number }> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: code, resolveDir: import.meta.dirname, loader: 'ts' },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions: ['trunkline-source'],
    external,
  })
  const [output] = Object.values(metafile.outputs)
  const inputs = Object.entries(output?.inputs ?? {}).flatMap(([path, { bytesInOutput }]) =>
    bytesInOutput > 0 ? [path] : [],
  )
  return { inputs, gzipBytes: gzipSync(outputFiles[0]?.contents ?? '').length }
}

const code = `
  import { createClient, createConnection } from './index.ts'
  globalThis.client = createClient({ connection: createConnection({ url: 'wss://example.com' }) })
`

test('a browser loads no zod and no server', async () => {
  const { inputs } = await bundle(code)
  expect(inputs.filter((path) => /zod|packages\/server|unstable-core/.test(path))).toEqual([])
})

test('what polls over HTTP is in no bundle that does not import the entry http', async () => {
  const { inputs } = await bundle(code)
  expect(inputs.filter((path) => /client\/src\/http/.test(path))).toEqual([])
  const fallback = "import { overHttp } from './http.ts'; globalThis.fallback = overHttp('https://example.com')"
  const withHttp = await bundle(code + fallback)
  expect(withHttp.inputs.filter((path) => /client\/src\/http\//.test(path)).length).toBeGreaterThan(3)
  console.info(`with the entry http: ${(withHttp.gzipBytes / 1_024).toFixed(1)} KB gzip`)
  expect(withHttp.gzipBytes).toBeLessThan(33 * 1_024)
})

test('what merges partitions is in no bundle that does not import its entry, and is small', async () => {
  const isOfPartitions = (path: string) => path.includes('partitions')
  const core = await bundle(code)
  expect(core.inputs.filter(isOfPartitions)).toEqual([])
  const withMerge = await bundle(`${code}; export { mergePartitions } from './partitions.ts'`)
  expect(withMerge.inputs.filter(isOfPartitions)).toHaveLength(2)
  expect(withMerge.gzipBytes - core.gzipBytes).toBeLessThan(2.25 * 1_024)
})

test('the transport for the AI SDK is in no other bundle, and loads nothing of the AI SDK', async () => {
  expect((await bundle(code)).inputs.filter((path) => path.endsWith('src/ai.ts'))).toEqual([])
  const { inputs, gzipBytes } = await bundle("export { createChatTransport } from './ai.ts'")
  expect(inputs.map((path) => path.replace(/.*src\//, ''))).toEqual(['trpc/call-options.ts', 'ai.ts'])
  expect(gzipBytes).toBeLessThan(1_024)
})

test.each([
  ['with all', [], 26.9],
  ['without createTRPCClient, which an application has anyway', ['@trpc/*'], 22.75],
  ['without partysocket too', ['@trpc/*', 'partysocket'], 20.2],
])('createClient and createConnection are small (%s)', async (what, external, kilobytes) => {
  const { gzipBytes } = await bundle(code, external)
  console.info(`${what}: ${(gzipBytes / 1_024).toFixed(1)} KB gzip`)
  expect(gzipBytes).toBeLessThan(kilobytes * 1_024)
})
