import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Stage, setStage } from './stage.ts'

const artefacts = join(import.meta.dirname, '../artefacts')
const patience = { timeout: 20_000 }
const phone = { viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true }

let stage: Stage
beforeAll(async () => {
  stage = await setStage()
  await mkdir(artefacts, { recursive: true })
})
afterEach(() => stage.closePages())
afterAll(() => stage[Symbol.asyncDispose]())

const picture = (page: Page, name: string) => page.screenshot({ path: join(artefacts, `${name}.png`) })
const expectHere = (page: Page, names: readonly string[]) =>
  expect.poll(() => page.locator('.members .member .clip').allInnerTexts(), patience).toEqual(names)
const greyed = (page: Page) => page.locator('.members .member[data-away=true] .clip')

/** What a browser does when the lid is closed: the page is hidden, and a moment later its machine sleeps. */
async function closeLid(page: Page): Promise<void> {
  await page.evaluate(() => {
    Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true })
    document.dispatchEvent(new Event('visibilitychange'))
  })
}

describe('three people in one room', () => {
  it('see each other; who closes the lid is greyed and then gone', async () => {
    const open = (name: string) => stage.open({ room: 'three', name })
    const [ann, bob, cy] = [await open('ann'), await open('bob'), await open('cy')]
    await expectHere(ann, ['ann (you)', 'bob', 'cy'])
    await expectHere(cy, ['ann', 'bob', 'cy (you)'])
    await bob.getByLabel('Message to').pressSequentially('wait')
    await ann.locator('.members').getByText('typing…').waitFor()
    await picture(ann, 'members-three')

    await closeLid(cy)
    await expectHere(ann, ['ann (you)', 'bob', 'cy'])
    await greyed(ann).getByText('cy').waitFor()
    await picture(ann, 'members-away')

    await cy.context().close()
    await stage.local.clock.advance('20s')
    await expectHere(ann, ['ann (you)', 'bob'])
    await expectHere(bob, ['ann', 'bob (you)'])
    await picture(ann, 'members-gone')
  })

  it('see nothing of a socket that is cut and comes back', async () => {
    const [ann, bob] = [await stage.open({ room: 'cut', name: 'ann' }), await stage.open({ room: 'cut', name: 'bob' })]
    await expectHere(ann, ['ann (you)', 'bob'])
    stage.local.faults.cut()
    await bob.locator('.badge[data-status=open]').waitFor()
    await stage.local.clock.advance('30s')
    await expectHere(ann, ['ann (you)', 'bob'])
    await expectHere(bob, ['ann', 'bob (you)'])
  })

  it('are one entry with two tabs', async () => {
    const ann = await stage.open({ room: 'tabs', name: 'ann' })
    const bob = await stage.open({ room: 'tabs', name: 'bob' })
    const other = await stage.open({ room: 'tabs', name: 'bob' })
    await expectHere(ann, ['ann (you)', 'bob'])
    await other.context().close()
    await stage.local.clock.advance('20s')
    await expectHere(ann, ['ann (you)', 'bob'])
    await bob.context().close()
    await stage.local.clock.advance('20s')
    await expectHere(ann, ['ann (you)'])
  })

  it('stand on a sheet on a phone, by keyboard too', async () => {
    await stage.open({ room: 'phone', name: 'bob' })
    const ann = await stage.open({ room: 'phone', name: 'ann', ...phone, colorScheme: 'dark' })
    const button = ann.getByRole('button', { name: /2 here/ })
    await button.focus()
    await ann.keyboard.press('Enter')
    await expect.poll(() => ann.locator('.sheet .member .clip').allInnerTexts(), patience).toEqual(['ann (you)', 'bob'])
    await picture(ann, 'members-phone')
    await ann.keyboard.press('Escape')
    await expect.poll(() => ann.locator('.sheet').isVisible()).toBe(false)
  })
})
