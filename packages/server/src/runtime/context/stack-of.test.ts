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

test('names the lines of the sources in a deployed function', async () => {
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
