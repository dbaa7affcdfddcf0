import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Stage, say, setStage, textsOn } from './stage.ts'

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

const show = (page: Page, visibility: 'hidden' | 'visible') =>
  page.evaluate((state) => {
    Object.defineProperty(document, 'visibilityState', { value: state, configurable: true })
    document.dispatchEvent(new Event('visibilitychange'))
  }, visibility)

/** Simulates a closed laptop lid: the page is hidden, then its socket is lost without a close and stays lost. */
async function closeLid(page: Page): Promise<void> {
  await show(page, 'hidden')
  await greyed(page).first().waitFor() // the page's last update was published
  await page.context().setOffline(true)
  stage.local.faults.cut() // cuts all sockets; the other pages reconnect
}

/** Ends a page's socket, and resolves when the grace period has passed after `$disconnect` ran. */
async function endSocket(end: () => Promise<unknown>): Promise<void> {
  using disconnect = stage.local.faults.on('function', { delayMs: 0 }, { path: '$disconnect' })
  await end()
  await expect.poll(() => disconnect.hits, patience).toBeGreaterThan(0)
  await stage.local.idle()
  await stage.local.clock.advance('20s')
}

/** Records the lists of present members that a page shows from now on, without repetitions. */
async function listsOn(page: Page): Promise<() => Promise<readonly string[]>> {
  await page.evaluate(() => {
    const seen: string[] = []
    const list = document.querySelector('.members') as Element
    const note = () => {
      const members = [...list.querySelectorAll('.member')]
      const words = members.map((each) => {
        const away = each.getAttribute('data-away') === 'true' ? ' away' : ''
        return (each.querySelector('.clip')?.textContent ?? '') + away
      })
      if (seen.at(-1) !== words.join(', ')) seen.push(words.join(', '))
    }
    note()
    new MutationObserver(note).observe(list, { subtree: true, childList: true, attributes: true, characterData: true })
    Object.assign(globalThis, { listsSeen: seen })
  })
  return () => page.evaluate(() => (globalThis as unknown as { readonly listsSeen: readonly string[] }).listsSeen)
}

describe('three people in one room', () => {
  it('see each other; who closes the lid is greyed and then gone', async () => {
    const open = (name: string) => stage.open({ room: 'three', name })
    const [ann, bob, cy] = [await open('ann'), await open('bob'), await open('cy')]
    await expectHere(ann, ['ann (you)', 'bob', 'cy'])
    await expectHere(cy, ['ann', 'bob', 'cy (you)'])
    await say(ann, 'The new boards are here, both boxes.')
    await say(cy, 'Great. I am on my way, back in half an hour.')
    await expect.poll(() => textsOn(ann), patience).toHaveLength(2)
    await bob.getByLabel('Message to').pressSequentially('wait')
    await ann.locator('.members').getByText('typing…').waitFor()
    await picture(ann, 'members-three')
    const lists = await listsOn(ann)

    await closeLid(cy)
    for (const page of [ann, bob]) await page.locator('.badge[data-status=open]').waitFor()
    await stage.local.clock.advance('9m') // the gateway has not noticed yet
    await expectHere(ann, ['ann (you)', 'bob', 'cy'])
    await greyed(ann).getByText('cy').waitFor()
    await picture(ann, 'members-away')

    await stage.local.clock.advance('62s') // the gateway's idle limit: ten minutes
    for (const page of [ann, bob]) await page.locator('.badge[data-status=open]').waitFor()
    await stage.local.clock.advance('20s') // the grace
    await expectHere(ann, ['ann (you)', 'bob'])
    await expectHere(bob, ['ann', 'bob (you)'])
    await picture(ann, 'members-gone')
    expect(await lists()).toEqual(['ann (you), bob, cy', 'ann (you), bob, cy away', 'ann (you), bob'])
  })

  it('see nothing of a socket that is cut and comes back', async () => {
    const [ann, bob] = [await stage.open({ room: 'cut', name: 'ann' }), await stage.open({ room: 'cut', name: 'bob' })]
    await expectHere(ann, ['ann (you)', 'bob'])
    const lists = await listsOn(ann)
    stage.local.faults.cut()
    await bob.locator('.badge[data-status=open]').waitFor()
    await stage.local.clock.advance('30s')
    await expectHere(bob, ['ann', 'bob (you)'])
    expect(await lists()).toEqual(['ann (you), bob'])
  })

  it('are greyed again who come back behind a closed lid', async () => {
    const [ann, bob] = [await stage.open({ room: 'nap', name: 'ann' }), await stage.open({ room: 'nap', name: 'bob' })]
    await closeLid(bob)
    await greyed(ann).getByText('bob').waitFor()
    await stage.local.clock.advance('11m')
    await ann.locator('.badge[data-status=open]').waitFor()
    await stage.local.clock.advance('20s')
    await expectHere(ann, ['ann (you)'])
    await bob.context().setOffline(false) // a machine that wakes by itself at night
    await expectHere(ann, ['ann (you)', 'bob'])
    await greyed(ann).getByText('bob').waitFor()
    await show(bob, 'visible')
    await expect.poll(() => greyed(ann).count(), patience).toBe(0)
  })
})

describe('two tabs of one person', () => {
  it('are one entry', async () => {
    const ann = await stage.open({ room: 'tabs', name: 'ann' })
    const bob = await stage.open({ room: 'tabs', name: 'bob' })
    const other = await stage.open({ room: 'tabs', name: 'bob' })
    await expectHere(ann, ['ann (you)', 'bob'])
    await expectHere(other, ['ann', 'bob (you)'])
    await picture(other, 'members-tabs')
    const lists = await listsOn(ann)
    await endSocket(() => other.context().close())
    await expectHere(bob, ['ann', 'bob (you)'])
    expect(await lists()).toEqual(['ann (you), bob'])
    await endSocket(() => bob.context().close())
    await expectHere(ann, ['ann (you)'])
  })

  it('are greyed when the last of them is hidden, in any order of arrival', async () => {
    const ann = await stage.open({ room: 'hide', name: 'ann' })
    const [front, back] = [
      await stage.open({ room: 'hide', name: 'bob' }),
      await stage.open({ room: 'hide', name: 'bob' }),
    ]
    await expectHere(ann, ['ann (you)', 'bob'])
    const lists = await listsOn(ann)
    await show(back, 'hidden')
    await stage.local.idle()
    await endSocket(async () => {
      await front.reload() // it is hidden on the way
      await front.locator('.badge[data-status=open]').waitFor()
    })
    expect(await lists()).toEqual(['ann (you), bob'])
    await show(front, 'hidden')
    await greyed(ann).getByText('bob').waitFor()
    await show(back, 'visible')
    await expect.poll(() => greyed(ann).count(), patience).toBe(0)
    await endSocket(() => back.context().close()) // the hidden one is left
    await greyed(ann).getByText('bob').waitFor()
  })
})

describe('on a phone', () => {
  it('the list of members opens as a sheet, by keyboard too', async () => {
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
