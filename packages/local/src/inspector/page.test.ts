// One file over 200 lines: all tests share one browser.

import { existsSync } from 'node:fs'
import { type Browser, chromium, type Locator, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type {
  ActionName,
  Capabilities,
  InspectorAction,
  InspectorSource,
  InspectorStatus,
  JsonSchema,
  ListName,
} from './data-source.ts'
import { type GeneratedLine, generateLine, servePage } from './generated.suite.ts'

const executablePath = process.env['TRUNKLINE_CHROMIUM'] ?? '/usr/bin/chromium'
const desktop = { width: 1_280, height: 800 }
const phone = { width: 390, height: 844 }
const patience = { timeout: 30_000 }
const mostRendered = 80 // rows: those that are seen on this screen, and eight on each side
const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking']

let browser: Browser
let line: GeneratedLine
beforeAll(async () => {
  if (!existsSync(executablePath)) return
  line = await generateLine({ connections: 1_000, frames: 100_000 })
  const more = ['--disable-component-update', '--disable-sync', '--no-first-run']
  browser = await chromium.launch({ executablePath, args: [...flags, ...more] })
})
afterAll(async () => {
  await browser?.close()
  await line?.[Symbol.asyncDispose]()
})

async function inspect(address = line.address, viewport = desktop) {
  const page = await (await browser.newContext({ locale: 'en-GB', viewport })).newPage()
  const broken: string[] = []
  page.on('pageerror', (error) => broken.push(String(error)))
  page.on('console', (message) => message.type() === 'error' && broken.push(message.text()))
  page.on('dialog', (dialog) => broken.push(dialog.message()))
  await page.goto(address)
  await page.locator('#status[data-status=live]').waitFor()
  return { page, broken, [Symbol.asyncDispose]: () => page.context().close() }
}

const rows = (page: Page) => page.locator('#list-panel .space .row:not([data-loading])')
const rendered = (page: Page) => page.locator('#list-panel .space .row').count()
const grid = (page: Page, name: string) => page.getByRole('grid', { name })

/** Scrolls a list to a part of its height. */
function scroll(page: Page, part: number): Promise<void> {
  return page.locator('.grid').evaluate((list, to) => {
    list.scrollTop = (list.scrollHeight - list.clientHeight) * to
    const frame = list.ownerDocument.defaultView?.requestAnimationFrame ?? (() => 0)
    return new Promise<void>((resolve) => frame(() => frame(() => resolve()))) // the rows are rendered by then
  }, part)
}

const hasFocus = (element: Locator) => element.evaluate((one) => one === one.ownerDocument.activeElement)
const widthOf = (page: Page) => page.locator('html').evaluate((html) => html.scrollWidth)

/** The number of elements of the whole document. */
const elements = (page: Page) => page.locator('*').count()

describe.skipIf(!existsSync(executablePath))('the page, with 1,000 connections and 100,000 frames', () => {
  test('renders only the rows that are seen, while frames arrive, lists are scrolled and rows are opened', async () => {
    await using opened = await inspect()
    const { page, broken } = opened
    const arriving = setInterval(() => line.addFrames(10), 100)
    try {
      await rows(page).first().waitFor()
      for (const part of [0.25, 0.5, 0.75, 1, 0]) {
        await scroll(page, part)
        await expect.poll(() => page.locator('.row[data-loading]').count(), patience).toBe(0)
        expect(await rendered(page)).toBeLessThan(mostRendered)
        expect(await elements(page)).toBeLessThan(1_500)
      }
      await page.getByLabel('Search frames').fill('frame 7712') // no connection has this in its id
      await page.locator('#announcer', { hasText: 'frames found' }).waitFor({ state: 'attached' })
      expect(await rendered(page)).toBeLessThan(mostRendered)
      await rows(page).nth(3).click()
      await page.getByRole('heading', { name: /^Frame \d+$/ }).waitFor()
      await page.locator('#item pre', { hasText: '7712' }).first().waitFor()
      expect(await rendered(page)).toBeLessThan(mostRendered)
      await page.getByRole('tab', { name: /^Connections/ }).click()
      await expect.poll(() => grid(page, 'Connections').getAttribute('aria-rowcount'), patience).toBe('1001')
      await scroll(page, 1)
      await rows(page).filter({ hasText: 'user 1000' }).waitFor()
      expect(await rendered(page)).toBeLessThan(mostRendered)
    } finally {
      clearInterval(arriving)
    }
    expect(broken).toEqual([])
  })

  test('keeps the rows in place while others arrive, and says how many there are', async () => {
    await using opened = await inspect()
    const { page } = opened
    await rows(page).first().waitFor()
    await scroll(page, 0.5)
    await expect.poll(() => page.locator('.row[data-loading]').count(), patience).toBe(0)
    const seen = () =>
      rows(page).evaluateAll((all) =>
        all
          .map((row) => row.textContent)
          .sort()
          .join(),
      )
    const before = await seen()
    line.addFrames(25)
    const fresh = page.getByRole('button', { name: '25 new' })
    await fresh.waitFor()
    expect(await seen()).toBe(before)
    await fresh.click()
    await fresh.waitFor({ state: 'hidden' })
    const number = async () => {
      await page.locator('#frames-0:not([data-loading])').click()
      return page.getByRole('heading', { name: /^Frame \d+$/ }).innerText()
    }
    const first = await number()
    await page.getByRole('button', { name: 'Pause' }).click()
    line.addFrames(4)
    await page.getByRole('button', { name: '4 new' }).waitFor()
    expect(await number()).toBe(first)
    await page.getByRole('tab', { name: /^Runs/ }).click()
    await grid(page, 'Runs').waitFor()
    await page.getByRole('tab', { name: /^Frames/ }).click()
    await page.getByRole('button', { name: '4 new' }).waitFor()
    expect(await number()).toBe(first)
  })

  test('is used by keyboard, with the focus where it is expected', async () => {
    await using opened = await inspect()
    const { page } = opened
    await rows(page).first().waitFor()
    await page.getByRole('tab', { name: /^Frames/ }).focus()
    await page.keyboard.press('ArrowRight')
    expect(await page.getByRole('tab', { name: /^Runs/ }).getAttribute('aria-selected')).toBe('true')
    await page.keyboard.press('Home')
    await page.keyboard.press('Tab') // the search
    expect(await page.evaluate<string>('document.activeElement.ariaLabel')).toBe('Search frames')
    await page.getByRole('button', { name: 'Pause' }).focus()
    await page.keyboard.press('Tab')
    const list = grid(page, 'Frames')
    expect(await hasFocus(list)).toBe(true)
    for (const key of ['ArrowDown', 'PageDown', 'PageDown', 'ArrowUp', 'End', 'Home', 'ArrowDown'])
      await page.keyboard.press(key)
    await expect.poll(() => list.getAttribute('aria-activedescendant'), patience).toBe('frames-1')
    await page.locator('#frames-1[data-active]:not([data-loading])').waitFor()
    await page.keyboard.press('Enter')
    const heading = page.getByRole('heading', { name: /^Frame \d+$/ })
    await heading.waitFor()
    await expect.poll(() => hasFocus(heading), patience).toBe(true)
    expect(await page.locator('.row[aria-selected=true]').count()).toBe(1)
    await page.keyboard.press('Escape')
    await heading.waitFor({ state: 'hidden' })
    expect(await hasFocus(list)).toBe(true)
  })

  test('has roles and names, and says nothing aloud while frames arrive', async () => {
    await using opened = await inspect()
    const { page } = opened
    await rows(page).first().waitFor()
    expect(await page.getByRole('columnheader').allInnerTexts()).toEqual([
      ...['Time', 'Direction', 'Connection', 'Type', 'Procedure', 'Size'],
    ])
    expect(await page.getByRole('tab').count()).toBe(10)
    expect(await page.getByRole('tabpanel').getAttribute('aria-labelledby')).toBe('tab-frames')
    await page.evaluate(`
      globalThis.said = []
      const observer = new MutationObserver(() => said.push(document.querySelector('#announcer').textContent))
      for (const region of document.querySelectorAll('[role=status], [role=alert], [aria-live]'))
        observer.observe(region, { childList: true, characterData: true, subtree: true })`)
    const total = () => page.locator('#tab-frames span').innerText()
    const before = await total()
    line.addFrames(100)
    await expect.poll(() => rows(page).first().innerText(), patience).not.toBe('')
    line.end(1)
    await page.locator('#tab-connections span', { hasText: '999' }).waitFor()
    expect(await total()).toBe(before) // the log is full
    const said = () => page.evaluate<readonly string[]>('said')
    expect(await said()).toEqual([])
    await page.getByLabel('Search frames').fill('nothing has this')
    await expect.poll(said, patience).toEqual(['0 frames found'])
  })

  test('fits a phone, which shows the time and the connection of each frame', async () => {
    await using opened = await inspect(line.address, phone)
    const { page } = opened
    await rows(page).first().waitFor()
    expect(await widthOf(page)).toBe(phone.width)
    const text = await rows(page).first().innerText()
    expect(text).toMatch(/\d\d:\d\d:\d\d\.\d{3}/)
    expect(text).toContain('connecti…')
    await rows(page).first().click()
    await page.getByRole('heading', { name: /^Frame \d+$/ }).waitFor()
    expect(await page.locator('#list-panel').isHidden()).toBe(true)
    await page.getByRole('button', { name: 'Close' }).click()
    expect(await page.locator('#list-panel').isVisible()).toBe(true)
    for (const tab of await page.getByRole('tab').all()) {
      await tab.click()
      expect(await widthOf(page)).toBe(phone.width)
    }
    expect(await rendered(page)).toBeLessThan(mostRendered)
  })
})

const schema: JsonSchema = {
  type: 'object',
  properties: {
    room: { type: 'string', minLength: 1 },
    count: { type: 'integer', minimum: 1 },
    loud: { type: 'boolean' },
    kind: { enum: ['a', 'b'] },
    note: { type: 'string' },
    tags: { type: 'array', items: { type: 'string' } },
    place: { anyOf: [{ type: 'string' }, { type: 'integer' }] },
    body: {
      anyOf: [
        {
          type: 'object',
          properties: { type: { const: 'said' }, text: { type: 'string' } },
          required: ['type', 'text'],
        },
        { type: 'object', properties: { type: { const: 'left' } }, required: ['type'] },
      ],
    },
  },
  required: ['room', 'count', 'loud', 'kind', 'tags', 'body'],
}
const hostile = '<img src=x onerror="alert(1)">'

/** A source with one row of each kind, which records its actions. */
function stubSource(actions: readonly ActionName[], seen: InspectorAction[]): InspectorSource {
  const item = { id: 'post', type: 'mutation', notes: [], input: schema }
  const connection = {
    ...{ id: hostile, principal: hostile, client: 'Trunkline', via: 'socket', state: 'open', connectedAt: 0 },
    ...{ paths: [hostile], subscriptions: [{ topic: hostile, path: hostile, connectionId: hostile }], authExpires: 1 },
    claims: { name: hostile },
  }
  const items: Partial<Record<ListName, { readonly id: string }>> = { procedures: item, connections: connection }
  const lists = [{ name: 'procedures' }, { name: 'connections', searchFor: 'a principal' }] as const
  const capabilities: Capabilities = {
    ...{ source: { kind: 'stage', name: hostile }, lists, actions, cost: false },
  }
  const status = (): InspectorStatus => ({
    ...{ now: 1, startedAt: 1, faults: [], application: 1 },
    lists: { procedures: { total: 1, version: 1 }, connections: { total: 1, version: 1 } },
  })
  return {
    capabilities: async () => capabilities,
    status,
    list: async (name, { search }) => {
      const row = name === 'connections' && search === '' ? undefined : items[name]
      return { rows: row === undefined ? [] : [row], total: row === undefined ? 0 : 1 } as never
    },
    open: async (name) => items[name] as never,
    act: async (action) => {
      seen.push(action)
      return { words: hostile, data: JSON.stringify({ hostile }), connectionId: 'c1' }
    },
    onChange: () => () => {},
  }
}

describe.skipIf(!existsSync(executablePath))('the page of another source', () => {
  test('calls a procedure with the values of its form, or with JSON', async () => {
    const seen: InspectorAction[] = []
    await using served = await servePage(stubSource(['call'], seen))
    await using opened = await inspect(served.address)
    const { page, broken } = opened
    await rows(page).first().click()
    await page.getByLabel('room').fill('general')
    await page.getByRole('button', { name: 'Run the mutation' }).click()
    await page.getByText('count: expected a number, got none.').first().waitFor()
    await page.getByLabel('count').fill('3')
    await page.getByLabel('kind', { exact: true }).selectOption('b')
    await page.getByLabel('note', { exact: true }).fill('why')
    await page.getByRole('button', { name: 'Add to tags' }).click()
    await page.getByLabel('tags 1', { exact: true }).fill('x')
    await page.getByLabel('body: kind').selectOption('type: left')
    await page.getByLabel('Call as').selectOption('a token …')
    await page.getByLabel('Token', { exact: true }).fill('ann')
    const run = page.getByRole('button', { name: 'Run the mutation' })
    await run.click()
    await expect.poll(() => seen.length, patience).toBe(1)
    const input = {
      room: 'general',
      count: 3,
      loud: false,
      kind: 'b',
      note: 'why',
      tags: ['x'],
      body: { type: 'left' },
    }
    const caller = { kind: 'token', token: 'ann' }
    expect(seen[0]).toEqual({ action: 'call', path: 'post', input, caller })
    await page.getByRole('button', { name: 'Edit as JSON' }).click()
    const text = page.getByLabel('Input as JSON')
    expect(JSON.parse(await text.inputValue())).toEqual(input)
    await text.fill('{"room":')
    await run.click()
    await page.getByText('Input: expected JSON.').first().waitFor()
    await text.fill('{"room":"other"}')
    await run.click()
    await expect.poll(() => seen.length, patience).toBe(2)
    expect(seen[1]).toMatchObject({ input: { room: 'other' } })
    await text.fill(JSON.stringify({ ...input, place: 7 }))
    await page.getByRole('button', { name: 'Edit as JSON' }).click()
    await page.getByRole('button', { name: 'Edit as JSON' }).click()
    expect(JSON.parse(await text.inputValue())).toEqual({ ...input, place: 7 })
    expect(broken).toEqual([])
  })

  test('has forms that fit a phone', async () => {
    await using served = await servePage(stubSource(['call'], []))
    await using opened = await inspect(served.address, phone)
    const { page } = opened
    await rows(page).first().click()
    await page.getByRole('button', { name: 'Add to tags' }).click()
    const hidden = await page.locator('#item-body').evaluate((body) => body.scrollWidth - body.clientWidth)
    expect(hidden).toBe(0)
  })

  test('a field that is wrong gets the focus, and its note is its description', async () => {
    await using served = await servePage(stubSource(['call'], []))
    await using opened = await inspect(served.address)
    const { page } = opened
    await rows(page).first().click()
    await page.getByRole('button', { name: 'Run the mutation' }).click()
    await page.getByText('count: expected a number, got none.').first().waitFor()
    const count = page.getByLabel('count', { exact: true })
    expect(await hasFocus(count)).toBe(true)
    const note = await count.getAttribute('aria-describedby')
    expect(await page.locator(`#${note}`).innerText()).toBe('At least 1')
    await page.getByRole('button', { name: 'Add to tags' }).click()
    await page.getByRole('button', { name: 'Remove tags 1' }).click()
    expect(await hasFocus(page.getByRole('button', { name: 'Add to tags' }))).toBe(true)
    expect(await page.getByText('At least 1 character', { exact: true }).count()).toBe(1)
  })

  test('an action that hangs shows its progress and can be cancelled, without asking for the capabilities', async () => {
    const { act: _, ...source } = stubSource(['call'], [])
    let isCancelled = false
    let read = 0
    await using served = await servePage({
      ...source,
      capabilities: () => (++read === 1 ? source.capabilities() : new Promise(() => {})),
      act: (_action, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            isCancelled = true
            reject(new Error('cancelled'))
          })
        }),
    })
    await using opened = await inspect(served.address)
    const { page } = opened
    await rows(page).first().click()
    await page.getByLabel('room').fill('general')
    await page.getByLabel('count', { exact: true }).fill('3')
    await page.getByRole('button', { name: 'Run the mutation' }).click()
    await page.getByText(/^Working for \d+ s\./).waitFor()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.locator('.outcome', { hasText: 'Cancelled. It may have been done.' }).waitFor()
    await expect.poll(() => isCancelled, patience).toBe(true)
    await page.getByRole('button', { name: 'Cancel' }).waitFor({ state: 'hidden' })
  })

  test('says what the costs of a stage are of', async () => {
    const source = stubSource([], [])
    const capabilities = { ...(await source.capabilities()), cost: true }
    const line = { label: 'Lambda requests', source: 'x', usdPerMillion: 0.2, used: 2e6, usd: 0.4, usdPerHour: 0.4 }
    const cost = { span: 'last-hour', pricesRead: '2026-11-30', lines: [line], usd: 0.4, usdPerHour: 0.4 } as const
    await using served = await servePage({
      ...source,
      capabilities: async () => capabilities,
      status: () => ({ ...source.status(), cost }),
    })
    await using opened = await inspect(served.address)
    const { page } = opened
    await page.getByRole('tab', { name: 'Cost' }).click()
    await page.getByText('What CloudWatch has of the last hour').waitFor()
    const heads = await page.getByRole('columnheader').allInnerTexts()
    expect(heads).toEqual(['Part', 'Used', '$ a million', 'The last hour'])
    expect(await page.locator('#totals').innerText()).toBe('The last hour\n$0.400000')
  })

  test('has no action that the source does not have, and shows all data as text', async () => {
    await using served = await servePage(stubSource([], []))
    await using opened = await inspect(served.address)
    const { page, broken } = opened
    expect(await page.getByRole('tab').allInnerTexts()).toEqual(['Procedures 1', 'Connections 1'])
    await rows(page).first().click()
    await page.getByText('Input as JSON Schema').waitFor()
    expect(await page.getByRole('button', { name: /Run|Publish/ }).count()).toBe(0)
    await page.getByRole('tab', { name: /^Connections/ }).click()
    await page.getByText('Search for a principal.').waitFor()
    await page.getByLabel('Search connections').fill('ann')
    await rows(page).first().click()
    await page.getByText('Claims').waitFor()
    expect(await page.getByRole('button', { name: /Cut|Kick|Expire|two hours|Fault/ }).count()).toBe(0)
    expect(await page.locator('img').count()).toBe(0)
    expect(broken).toEqual([])
  })

  test('says that it is behind when no updates come', async () => {
    const source = stubSource([], [])
    await using served = await servePage(source)
    await using opened = await inspect(served.address)
    const { page } = opened
    // each reading of the clock is a minute after the one before
    const words = await page.evaluate<string>(`new Promise((resolve) => {
      const status = document.querySelector('#status')
      const seen = () => status.dataset.status === 'behind' && resolve(status.textContent)
      new MutationObserver(seen).observe(status, { childList: true })
      const now = Date.now
      let minutes = 0
      Date.now = () => now() + 60_000 * (minutes += 1)
    })`)
    expect(words).toMatch(/^Behind: last update \d+ min ago$/)
  })
})
