import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { format } from 'node:util'
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { blocksOf, pages, printedBy, type Recipe, uses, writeBlocks } from './documents/blocks.ts'

const made = join(uses, 'recipes')
rmSync(made, { recursive: true, force: true })
const blocks = pages()
  .flatMap(blocksOf)
  .filter(({ runs }) => runs)
const recipes = writeBlocks(made, blocks)
afterAll(() => rmSync(made, { recursive: true, force: true }))

const load = ({ path }: Recipe) => import(/* @vite-ignore */ pathToFileURL(path).href)
const isSuite = ({ code }: Recipe) => code.includes("from 'vitest'")

describe.each([...new Set(recipes.map(({ file }) => file))])('the recipes of %s', async (file) => {
  // A named block runs when a block imports it, and a block with tests of its own registers them.
  const own = recipes.filter((recipe) => recipe.file === file && (recipe.name === undefined || isSuite(recipe)))
  for (const suite of own.filter(isSuite)) await load(suite)
  it.each(own.filter((recipe) => !isSuite(recipe)))('run and print what line $line says', async (recipe) => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {})
    onTestFinished(() => log.mockRestore())
    await load(recipe)
    const printed = log.mock.calls.map((values) => format(...values))
    const expected = printedBy(recipe.code)
    if (expected.length > 0) expect(printed).toEqual(expected)
  })
})
