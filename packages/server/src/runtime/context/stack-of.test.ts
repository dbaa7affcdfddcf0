import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { afterEach, expect, test, vi } from 'vitest'
import { stackOf } from './stack-of.ts'

let folder = ''
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true, force: true })
})

/** Bundles a module whose third line throws, and returns an error with the stack that Node gives it. */
async function thrownByBundle(sourcemap: boolean): Promise<Error> {
  folder = await mkdtemp(join(tmpdir(), 'trunkline-stack-'))
  const source =
    'const none: string | undefined = undefined\nexport function fail() {\n  throw new Error(String(none))\n}\n'
  await writeFile(join(folder, 'source.ts'), source)
  const outfile = join(folder, 'out.mjs')
  await build({
    entryPoints: [join(folder, 'source.ts')],
    outfile,
    bundle: true,
    minify: true,
    format: 'esm',
    sourcemap,
  })
  const column = (await readFile(outfile, 'utf8')).indexOf('new Error') + 1
  const error = new Error('undefined')
  error.stack = `Error: undefined\n    at n (${pathToFileURL(outfile).href}:1:${column})\n    at node:internal/process:95:5`
  return error
}

const onPosix = test.skipIf(process.platform === 'win32') // deployed functions run on Linux

onPosix('names the lines of the sources in a deployed function', async () => {
  vi.stubEnv('_HANDLER', 'lambda.websocket')
  const stack = stackOf(await thrownByBundle(true))
  expect(stack).toBe(`Error: undefined\n    at n (${join(folder, 'source.ts')}:3:9)\n    at node:internal/process:95:5`)
})

test('keeps the locations of a file without a map, and those of every file elsewhere', async () => {
  const thrown = await thrownByBundle(true)
  expect(stackOf(thrown)).toBe(thrown.stack)
  await rm(folder, { recursive: true, force: true })
  vi.stubEnv('_HANDLER', 'lambda.websocket')
  const unmapped = await thrownByBundle(false)
  expect(stackOf(unmapped)).toBe(unmapped.stack)
})

onPosix('keeps the message, and reads no map that it names', async () => {
  vi.stubEnv('_HANDLER', 'lambda.websocket')
  const thrown = await thrownByBundle(true)
  const [at = ''] = /\/\S+out\.mjs:1:\d+/.exec(String(thrown.stack)) ?? []
  thrown.stack = `Error: no room ${at}\n    at none\n\n    at f (${at})`
  expect(stackOf(thrown)).toBe(`Error: no room ${at}\n    at none\n\n    at f (${join(folder, 'source.ts')}:3:9)`)
})

// A search from each slash takes minutes.
test('takes time in proportion to a message, which a client may have written', () => {
  vi.stubEnv('_HANDLER', 'lambda.websocket')
  const error = new Error('/'.repeat(1_000_000))
  expect(stackOf(error)).toHaveLength(String(error.stack).length)
  error.stack = `Error\n    at ${'/'.repeat(1_000_000)}`
  expect(stackOf(error)).toBe(error.stack)
})

test('is undefined where the application made the stack something else', () => {
  vi.stubEnv('_HANDLER', 'lambda.websocket')
  expect(stackOf(Object.assign(new Error('no'), { stack: [] }))).toBeUndefined()
  const error = new Error('no')
  Object.defineProperty(error, 'stack', { get: () => expect.fail('read') })
  expect(stackOf(error)).toBeUndefined()
})
