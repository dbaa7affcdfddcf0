import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Stage, setStage, titlesIn } from './stage.ts'

const artefacts = join(import.meta.dirname, '../artefacts')
const phone = { viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true }
const patience = { timeout: 20_000 }

let stage: Stage
beforeAll(async () => {
  stage = await setStage()
  await mkdir(artefacts, { recursive: true })
})
afterEach(() => stage.closePages())
afterAll(() => stage[Symbol.asyncDispose]())

const both = (board: string) => Promise.all([stage.open(board), stage.open(board)])
const row = (board: string, id: string, more: object = {}) => ({ board, id, title: id, column: 'todo', ...more })
async function expectIn(pages: readonly Page[], column: string, titles: readonly string[]): Promise<void> {
  for (const page of pages) await expect.poll(() => titlesIn(page, column), patience).toEqual(titles)
}
const picture = (page: Page, name: string) => page.screenshot({ path: join(artefacts, `${name}.png`) })

describe('every browser follows the table', () => {
  it('when a script moves a card with AWS credentials alone', async () => {
    await stage.put(row('script', 'paint'))
    const pages = await both('script')
    await expectIn(pages, 'todo', ['paint'])
    expect(await stage.script('move', 'Paint', 'done', 'script')).toBe('paint: todo → done')
    await expectIn(pages, 'done', ['paint'])
    await expectIn(pages, 'todo', [])
    await pages[0]?.getByText('by a script').waitFor()
  })

  it('when the schedule takes up what is next', async () => {
    await stage.put(row('schedule', 'second', { rank: 2 }))
    await stage.put(row('schedule', 'first', { rank: 1 }))
    await stage.put(row('schedule', 'third', { rank: 3 }))
    const pages = await both('schedule')
    await expectIn(pages, 'todo', ['first', 'second', 'third'])
    expect(await stage.script('tick', 'schedule')).toBe('taken up: first, second')
    await expectIn(pages, 'doing', ['first', 'second'])
    expect(await stage.script('tick', 'schedule')).toBe('nothing to take up')
  })

  it('when somebody else moves, adds and removes cards', async () => {
    const [ann, bob] = await both('people')
    await ann.getByLabel('New card').fill('write')
    await ann.keyboard.press('Enter')
    await expectIn([ann, bob], 'todo', ['write'])
    await bob.getByRole('button', { name: 'Move write to Doing' }).click()
    await expectIn([ann, bob], 'doing', ['write'])
    await ann.locator('.card').dragTo(ann.locator('.column[data-column=done]'))
    await expectIn([ann, bob], 'done', ['write'])
    await bob.getByRole('button', { name: 'Remove write' }).click()
    await expectIn([ann, bob], 'done', [])
  })

  it('when its network was away meanwhile', async () => {
    await stage.put(row('away', 'a'))
    const pages = await both('away')
    await expectIn(pages, 'todo', ['a'])
    {
      using _away = stage.local.faults.on('connect', 'fail')
      stage.local.faults.cut()
      await pages[0]?.getByText('Reconnecting…').waitFor()
      await stage.script('move', 'a', 'doing', 'away')
      await stage.put(row('away', 'b'))
    }
    await expectIn(pages, 'doing', ['a'])
    await expectIn(pages, 'todo', ['b'])
  })
})

describe('a row that is no card', () => {
  it('is skipped, and what comes after it is not', async () => {
    await stage.put(row('bad', 'before'))
    await stage.put(row('bad', 'worse', { title: 5 }))
    const pages = await both('bad')
    await expectIn(pages, 'todo', ['before'])
    await stage.put(row('bad', 'nowhere', { column: 'somewhere' }))
    await stage.put(row('bad', 'before', { column: 'an unknown one' }))
    await stage.put(row('bad', 'after', { column: 'done', rank: 1n, labels: new Set(['x']) }))
    await expectIn(pages, 'done', ['after'])
    await expectIn(pages, 'todo', ['before']) // as it last stood when it was a card
  })
})

describe('the page', () => {
  it('looks as in these pictures', async () => {
    await stage.script('fill', 'workshop')
    await stage.script('move', 'Photos of the oak table', 'done', 'workshop')
    await stage.script('tick', 'workshop')
    for (const colorScheme of ['light', 'dark'] as const) {
      const desktop = await stage.open('workshop', { colorScheme })
      await expectIn([desktop], 'doing', ['Sand the long bench', 'Order new labels for the shelf'])
      await picture(desktop, `desktop-${colorScheme}`)
      const small = await stage.open('workshop', { colorScheme, ...phone })
      await expectIn([small], 'doing', ['Sand the long bench', 'Order new labels for the shelf'])
      expect(await small.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360)
      await picture(small, `phone-${colorScheme}`)
    }
  })
})
