import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { messages } from '../src/server/channels.ts'
import { startCommandLine } from './command-line.ts'
import { type Stage, say, setStage, textsOn } from './stage.ts'

const artefacts = join(import.meta.dirname, '../artefacts')
const phone = { viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true }
const five = ['one', 'two', 'three', 'four', 'five']
const patience = { timeout: 20_000 }

let stage: Stage
beforeAll(async () => {
  stage = await setStage()
  await mkdir(artefacts, { recursive: true })
})
afterEach(() => stage.closePages())
afterAll(() => stage[Symbol.asyncDispose]())

/** What a script with the line's credentials does. */
async function publish(room: string, text: string, more: { author?: string; at?: number } = {}): Promise<void> {
  const message = { id: crypto.randomUUID(), author: 'announcer', text, at: Date.now(), ...more }
  await stage.local.run(() => messages.publish({ room }, { type: 'posted', message }))
}

const expectTexts = (page: Page, texts: readonly string[]) => expect.poll(() => textsOn(page), patience).toEqual(texts)
const urls = () => ['--url', stage.local.url, '--issuer', stage.issuer.url]
const picture = (page: Page, name: string) => page.screenshot({ path: join(artefacts, `${name}.png`) })

describe('two browsers in one room', () => {
  it('show what is typed in either', async () => {
    const [ann, bob] = await Promise.all([
      stage.open({ room: 'both', name: 'ann' }),
      stage.open({ room: 'both', name: 'bob' }),
    ])
    await say(ann, 'hello bob')
    await expectTexts(bob, ['hello bob'])
    await say(bob, 'hello ann')
    await expectTexts(ann, ['hello bob', 'hello ann'])
    await expectTexts(bob, ['hello bob', 'hello ann'])
  })

  it('show who is typing, and no more once the message is there', async () => {
    const [ann, bob] = await Promise.all([
      stage.open({ room: 'keys', name: 'ann' }),
      stage.open({ room: 'keys', name: 'bob' }),
    ])
    await ann.getByLabel('Message to').pressSequentially('wait')
    await bob.getByText('ann is typing…').waitFor()
    await picture(bob, 'typing')
    await ann.keyboard.press('Enter')
    await expectTexts(bob, ['wait'])
    await bob.getByText('ann is typing…').waitFor({ state: 'detached' })
    expect(await ann.getByText('is typing').count()).toBe(0)
  })

  it('have what was published while their sockets were cut, once each and in order', async () => {
    const [ann, bob] = await Promise.all([
      stage.open({ room: 'cut', name: 'ann' }),
      stage.open({ room: 'cut', name: 'bob' }),
    ])
    await say(ann, 'before')
    await expectTexts(bob, ['before'])
    {
      using _away = stage.local.faults.on('connect', 'fail')
      stage.local.faults.cut()
      await ann
        .getByText(/^Reconnecting/)
        .first()
        .waitFor()
      for (const text of five) await publish('cut', text)
      await picture(ann, 'reconnecting')
      expect(await textsOn(ann)).toEqual(['before'])
    }
    await expectTexts(ann, ['before', ...five])
    await expectTexts(bob, ['before', ...five])
    await say(bob, 'after')
    await expectTexts(ann, ['before', ...five, 'after'])
  })

  it('send what was typed while their sockets were cut, once each and in order', async () => {
    const [ann, bob] = await Promise.all([
      stage.open({ room: 'typed', name: 'ann' }),
      stage.open({ room: 'typed', name: 'bob' }),
    ])
    {
      using _away = stage.local.faults.on('connect', 'fail')
      stage.local.faults.cut()
      await ann
        .getByText(/^Reconnecting/)
        .first()
        .waitFor()
      for (const text of five) await say(ann, text)
      await expect.poll(() => ann.getByText('Sending…').count(), patience).toBe(5)
      await picture(ann, 'sending')
    }
    await expectTexts(bob, five)
    await expectTexts(ann, five)
  })

  it('connect again at once on demand', async () => {
    const ann = await stage.open({ room: 'again', name: 'ann' })
    const away = stage.local.faults.on('connect', 'fail') // also while it is clicked: else the page may be back by itself before
    stage.local.faults.cut()
    await ann.getByRole('button', { name: 'Try now' }).waitFor()
    await expect.poll(() => away.hits, patience).toBeGreaterThan(1)
    const before = away.hits
    await ann.getByRole('button', { name: 'Try now' }).click()
    await expect.poll(() => away.hits, patience).toBeGreaterThan(before)
    away[Symbol.dispose]()
    await ann.locator('.badge[data-status=open]').waitFor()
  })

  it('follow an edit and a removal by the author', async () => {
    const [ann, bob] = await Promise.all([
      stage.open({ room: 'edits', name: 'ann' }),
      stage.open({ room: 'edits', name: 'bob' }),
    ])
    await say(ann, 'helo')
    await expectTexts(bob, ['helo'])
    await ann.keyboard.press('ArrowUp')
    await ann.getByLabel('Editing your message').fill('hello')
    await ann.keyboard.press('Enter')
    await expectTexts(bob, ['hello (edited)'])
    await ann.locator('.message').hover()
    await ann.getByRole('button', { name: 'Delete' }).click()
    await ann.getByRole('button', { name: 'Delete for all?' }).click()
    await expectTexts(bob, [])
  })

  it('follow an edit of a message that was still under way', async () => {
    const [ann, bob] = await Promise.all([
      stage.open({ room: 'hasty', name: 'ann' }),
      stage.open({ room: 'hasty', name: 'bob' }),
    ])
    using slow = stage.local.faults.on('frame', { delayMs: 2_000 }, { path: 'messages.post', times: 1 })
    await say(ann, 'helo')
    await ann.getByText('Sending…').waitFor()
    await ann.keyboard.press('ArrowUp')
    await ann.getByLabel('Editing your message').fill('hello')
    await ann.keyboard.press('Enter')
    await expectTexts(bob, ['hello (edited)'])
    await expectTexts(ann, ['hello (edited)'])
    expect(slow.hits).toBe(1)
  })
})

describe('a browser', () => {
  it('cuts its own connection on demand, and has afterwards what was written meanwhile, once and in order', async () => {
    const [ann, bob] = await Promise.all([
      stage.open({ room: 'button', name: 'ann' }),
      stage.open({ room: 'button', name: 'bob' }),
    ])
    await ann.getByRole('button', { name: 'Cut my connection' }).click()
    await ann
      .getByText(/^Reconnecting.*: the network was lost\.$/)
      .first()
      .waitFor()
    for (const text of five) await say(bob, text)
    await say(ann, 'from here')
    await picture(ann, 'cut')
    expect(await textsOn(ann)).toEqual([])
    await expectTexts(ann, [...five, 'from here'])
    await expectTexts(bob, [...five, 'from here'])
    await ann.getByRole('button', { name: 'Cut my connection' }).waitFor()
  })

  it('marks a question to the bot, and has the buttons of a message inside its row', async () => {
    const ann = await stage.open({ room: 'marks', name: 'ann' })
    await say(ann, 'A message')
    await say(ann, '/ask who are you')
    await expect.poll(async () => (await textsOn(ann))[1], patience).toMatch(/to the bot\s*who are you/)
    const row = ann.locator('.message').first()
    await row.hover()
    const [outer, inner] = await Promise.all([row.boundingBox(), row.locator('.actions').boundingBox()])
    expect(inner?.y).toBeGreaterThanOrEqual(outer?.y ?? Number.NaN)
    expect((inner?.y ?? 0) + (inner?.height ?? 0)).toBeLessThanOrEqual((outer?.y ?? 0) + (outer?.height ?? 0))
    await picture(ann, 'marks')
  })

  it('shows a row that a script put into the log', async () => {
    const ann = await stage.open({ room: 'script', name: 'ann' })
    await publish('script', 'from a script')
    await expectTexts(ann, ['from a script'])
  })

  it('says that a message was not sent once its deadline has passed, and sends it on demand', async () => {
    const ann = await stage.open({ room: 'failure', name: 'ann' })
    {
      using _broken = stage.local.faults.on('function', 'fail', { path: 'messages.post' })
      await ann.getByLabel('Message to').fill('important')
      await ann.keyboard.press('Enter')
      await ann.getByText('Not sent:').waitFor({ timeout: 45_000 }) // the client sends the post again for 28 s
      await picture(ann, 'not-sent')
    }
    await ann.getByRole('button', { name: 'Try again' }).click()
    await expectTexts(ann, ['important'])
    expect(await ann.getByText('Not sent:').count()).toBe(0)
  })

  it('shows a message once whose answer was lost, and is not held up by it', async () => {
    const ann = await stage.open({ room: 'lost', name: 'ann' })
    using _lost = stage.local.faults.on('answer', 'drop', { path: 'messages.post', times: 1 })
    await say(ann, 'once')
    await expectTexts(ann, ['once'])
    await say(ann, 'and on')
    await expect.poll(() => textsOn(ann), { timeout: 5_000 }).toEqual(['once', 'and on'])
    expect(await ann.locator('.message').count()).toBe(2)
  })

  it('reads along without a name and cannot write', async () => {
    await publish('reader', 'public')
    const reader = await stage.open({ room: 'reader', name: null })
    await expectTexts(reader, ['public'])
    expect(await reader.getByLabel('Message to').count()).toBe(0)
  })

  it('shows why its name was refused, and connects under another', async () => {
    const ann = await stage.open({ room: 'refused', name: 'ann' })
    await ann.evaluate(() => localStorage.setItem('trunkline-chat.name', 'n'.repeat(41)))
    await ann.reload()
    await ann.getByText('Disconnected: A name has 1 to 40 visible characters.').waitFor()
    await ann.getByRole('button', { name: 'Choose another name' }).click()
    await ann.getByLabel('Your name').fill('anne')
    await ann.keyboard.press('Enter')
    await ann.locator('.badge[data-status=open]').waitFor()
    await say(ann, 'here I am')
    await expectTexts(ann, ['here I am'])
    await publish('refused', 'and a reply')
    await expectTexts(ann, ['here I am', 'and a reply'])
  })

  it('goes to another room and back by keyboard, and keeps what was begun there', async () => {
    const ann = await stage.open({ room: 'first', name: 'ann' })
    await say(ann, 'in the first')
    await ann.getByLabel('Message to first').fill('not yet sent')
    await ann.getByLabel('Another room').fill('The Second')
    await ann.keyboard.press('Enter')
    await ann.getByRole('heading', { name: 'the-second' }).waitFor()
    await say(ann, 'in the second')
    await expectTexts(ann, ['in the second'])
    await ann.goBack()
    await expectTexts(ann, ['in the first'])
    expect(await ann.getByLabel('Message to first').inputValue()).toBe('not yet sent')
  })

  it('breaks the line with Shift+Enter, and leaves an edit with Escape and the draft as it was', async () => {
    const ann = await stage.open({ room: 'written', name: 'ann' })
    const field = ann.getByLabel('Message to written')
    await field.pressSequentially('one')
    await ann.keyboard.press('Shift+Enter')
    await field.pressSequentially('two')
    await ann.keyboard.press('Enter')
    await expectTexts(ann, ['one\ntwo'])
    await ann.keyboard.press('ArrowUp')
    await ann.getByLabel('Editing your message').fill('three')
    await ann.keyboard.press('Escape')
    await field.waitFor()
    expect(await field.inputValue()).toBe('')
    await expectTexts(ann, ['one\ntwo'])
  })

  it('has its rooms behind a button on a phone, which leads to another one and out of the way', async () => {
    const ann = await stage.open({ room: 'pocket', name: 'ann', ...phone })
    const panel = ann.getByRole('navigation', { name: 'Rooms' })
    expect(await panel.isVisible()).toBe(false)
    await ann.getByRole('button', { name: 'Rooms' }).tap()
    await ann.keyboard.press('Escape')
    await panel.waitFor({ state: 'hidden' })
    await ann.getByRole('button', { name: 'Rooms' }).tap()
    await ann.getByLabel('Another room').fill('street')
    await ann.getByRole('button', { name: 'Go' }).tap()
    await ann.getByRole('heading', { name: 'street' }).waitFor()
    await panel.waitFor({ state: 'hidden' })
    await ann.getByLabel('Message to street').fill('by thumb')
    await ann.getByRole('button', { name: 'Send' }).tap()
    await expectTexts(ann, ['by thumb'])
  })

  it('shows at once what it held of a room that it comes back to, then what was said meanwhile', async () => {
    const ann = await stage.open({ room: 'held', name: 'ann' })
    await say(ann, 'held')
    await expectTexts(ann, ['held'])
    await ann.goto(ann.url().replace('#held', '#elsewhere'))
    await ann.getByRole('heading', { name: 'elsewhere' }).waitFor()
    await publish('held', 'meanwhile')
    {
      using _slow = stage.local.faults.on('frame', { delayMs: 3_000 }, { path: 'messages.live' })
      await ann.goBack()
      await ann.getByRole('heading', { name: 'held' }).waitFor()
      expect(await textsOn(ann)).toEqual(['held'])
    }
    await expectTexts(ann, ['held', 'meanwhile'])
  })

  it('begins with the last fifty messages and loads older ones without moving the reader', async () => {
    for (let n = 1; n <= 60; n++) await publish('long', `message ${n}`)
    const ann = await stage.open({ room: 'long', name: 'ann' })
    await expect.poll(async () => (await textsOn(ann)).length, patience).toBe(50)
    const first = ann.getByText('message 12', { exact: true })
    await ann.locator('.list').evaluate((list) => list.scrollTo(0, 40))
    const before = await first.boundingBox()
    await expect.poll(async () => (await textsOn(ann)).length, patience).toBe(60)
    expect((await textsOn(ann))[0]).toBe('message 1')
    expect((await first.boundingBox())?.y).toBeCloseTo(before?.y ?? 0, 0)
  })
})

describe('the command-line client', () => {
  it('asks the bot, whose answer is written as it comes and not printed again', async () => {
    await using bob = await startCommandLine(['--room', 'asked', '--name', 'bob', ...urls()])
    const printed = () => bob.lines().join('\n')
    await expect.poll(printed, patience).toContain('-- Connected')
    bob.type('/ask why')
    await expect.poll(printed, patience).toContain('bot: Because a push')
    expect(printed()).not.toContain('never a message.')
    await expect.poll(printed, patience).toContain('never a message.')
    const ann = await stage.open({ room: 'asked', name: 'ann' })
    await expect.poll(() => textsOn(ann), patience).toHaveLength(2)
    expect(printed().split('Because a push')).toHaveLength(2)
    bob.type('/quit')
    expect(await bob.ended).toBe(0)
  })

  it('talks with a browser, and has what was published while its socket was cut, once each and in order', async () => {
    const ann = await stage.open({ room: 'node', name: 'ann' })
    await say(ann, 'history')
    await expectTexts(ann, ['history'])
    await using bob = await startCommandLine(['--room', 'node', '--name', 'bob', ...urls()])
    const said = () => bob.lines().flatMap((line) => /^\d\d:\d\d (.*)$/.exec(line)?.[1] ?? [])
    await expect.poll(said, patience).toEqual(['ann: history'])
    bob.type('hello from a terminal')
    await expectTexts(ann, ['history', 'hello from a terminal'])
    await ann.getByLabel('Message to').pressSequentially('hm')
    await expect.poll(() => bob.lines(), patience).toContain('-- ann is typing…')
    {
      using _away = stage.local.faults.on('connect', 'fail')
      stage.local.faults.cut()
      await expect.poll(() => bob.lines().some((line) => line.startsWith('-- Reconnecting')), patience).toBe(true)
      for (const text of five) await publish('node', text)
    }
    const all = ['ann: history', 'bob: hello from a terminal', ...five.map((text) => `announcer: ${text}`)]
    await expect.poll(said, patience).toEqual(all)
    bob.type('/quit')
    expect(await bob.ended).toBe(0)
  })
})

describe('the page', () => {
  const conversation = [
    ['mara', 'Morning! The new boards are here, both boxes.'],
    ['mara', 'I put them next to the printer.'],
    ['jonas', 'Great. Do they fit the old housing, or do we need the spacers from https://example.com/parts/4411?'],
    ['mara', 'They fit. I tried one.'],
    ['jonas', 'Then I will swap them after lunch, unless someone needs the rig.'],
  ] as const
  const furnish = async (room: string) => {
    for (const [n, [author, text]] of conversation.entries()) {
      const at = Date.now() - (25 - 4 * n) * 60_000
      await publish(room, text, { author, at })
    }
  }

  it.each([
    ['desktop-light', 'workshop', { colorScheme: 'light' }],
    ['desktop-dark', 'studio', { colorScheme: 'dark' }],
    ['phone-light', 'kitchen', { colorScheme: 'light', ...phone }],
    ['phone-dark', 'garden', { colorScheme: 'dark', ...phone }],
  ] as const)('is not wider than its window (%s)', async (name, room, options) => {
    await publish(name, `A word that does not end: ${'x'.repeat(300)}`, {
      author: 'a-name-of-forty-characters-without-space',
    })
    const narrow = await stage.open({ room: name, name: 'ann', ...options })
    await expect.poll(() => textsOn(narrow), patience).toHaveLength(1)
    expect(await narrow.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true)
    expect(await narrow.locator('.list').evaluate((list) => list.scrollWidth <= list.clientWidth)).toBe(true)

    await furnish(room)
    const page = await stage.open({ room, name: 'ann', ...options })
    const jonas = await stage.open({ room, name: 'jonas' })
    await say(page, 'Go ahead, I am done with it.')
    await expect.poll(() => textsOn(page), patience).toHaveLength(conversation.length + 1)
    await jonas.getByLabel('Message to').pressSequentially('ok')
    await page.getByText('jonas is typing…').waitFor()
    await picture(page, name)
    using _away = stage.local.faults.on('connect', 'fail')
    stage.local.faults.cut()
    await page
      .getByText(/^Reconnecting in/)
      .first()
      .waitFor()
    await say(page, 'Hello?')
    await page.waitForTimeout(1_100) // "Sending…" is shown after a second
    await picture(page, `${name}-reconnecting`)
  })
})
