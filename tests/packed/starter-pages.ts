import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import type { Template } from 'create-trunkline'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { expect } from 'vitest'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const patience = { timeout: 45_000 }
const phone = { viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true } as const

export interface RunningProject extends AsyncDisposable {
  /** The address of the page. */
  readonly url: string
}

/** Runs what `npm start` of a generated project runs, on a free port. */
export async function startProject(folder: string, modules: string): Promise<RunningProject> {
  const args = [join(modules, 'vite/bin/vite.js'), '--port', '0', '--host', '127.0.0.1']
  const { NODE_OPTIONS, VITEST, ...env } = process.env
  const child = spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let output = ''
  const url = new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += stripVTControlCharacters(chunk.toString())
      const [found] = /http:\/\/127\.0\.0\.1:\d+/.exec(output) ?? []
      if (found !== undefined) resolve(found)
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    void ended.then(() => reject(new Error(`The development server ended:\n${output}`)))
  })
  return {
    url: await url,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** Two people use the pages of each template: what one does, the other sees. */
const visits: Readonly<Record<Template, (ann: Page, bob: Page) => Promise<void>>> = {
  async minimal(ann, bob) {
    await write(ann, 'Your note', 'The soup is ready')
    await bob.getByText('The soup is ready').waitFor(patience)
    await write(bob, 'Your note', 'On my way')
    await ann.getByText('On my way').waitFor(patience)
  },

  async chat(ann, bob) {
    await write(ann, 'Your name', 'Ann')
    await write(bob, 'Your name', 'Zoë')
    for (const page of [ann, bob]) await expectFocus(page, 'Your message')
    await ann.getByRole('listitem').getByText('Zoë').waitFor(patience)
    await bob.getByRole('listitem').getByText('Ann').waitFor(patience)
    await write(ann, 'Your message', 'Shall we meet at the bridge?')
    await bob.getByText('Shall we meet at the bridge?').waitFor(patience)
    await expect
      .poll(async () => {
        await bob.getByLabel('Your message').pressSequentially('y') // a typing event may be lost: people press more keys
        return ann.getByText('Zoë is typing…').isVisible()
      }, patience)
      .toBe(true)
    await bob.keyboard.press('Enter')
    await ann.getByText(/^Zoëy+ /).waitFor(patience)
    await ann.reload()
    await ann.getByText('Shall we meet at the bridge?').waitFor(patience)
  },

  async board(ann, bob) {
    await write(ann, 'New card', 'Order paint')
    await bob.getByRole('button', { name: 'Move Order paint to Doing' }).click(patience)
    await ann.getByRole('button', { name: 'Move Order paint to Done' }).waitFor(patience)
    await write(bob, 'New card', 'Sand the bench')
    await ann.getByRole('button', { name: 'Move Sand the bench to Doing' }).press('Enter', patience)
    await expectFocus(ann, 'Doing')
    await bob.getByRole('button', { name: 'Move Sand the bench to Done' }).waitFor(patience)
    await ann.getByRole('button', { name: 'Remove Sand the bench' }).press('Enter', patience)
    await expectFocus(ann, 'Doing')
    await bob.getByText('Sand the bench').waitFor({ ...patience, state: 'detached' })
  },

  async ai(ann, bob) {
    await write(ann, 'Your question', 'Please count to 999')
    for (const page of [ann, bob]) await page.getByText('1 2 3 4 5').waitFor(patience)
    await ann.reload()
    await ann.getByText('1 2 3 4 5').waitFor(patience)
    await bob.getByRole('button', { name: 'Stop' }).click(patience)
    await ann.getByText('This answer was stopped.').waitFor(patience)
  },
}

/** The focus is in the control or the region whose name begins with `name`: a keyboard goes on there. */
async function expectFocus(page: Page, name: string): Promise<void> {
  const focused = `(({ ariaLabel, ariaLabelledByElements }) =>
    ariaLabel ?? ariaLabelledByElements?.[0]?.textContent.trim() ?? '')(document.activeElement)`
  await expect.poll(() => page.evaluate<string>(focused), patience).toMatch(new RegExp(`^${name}`))
}

async function write(page: Page, label: string, text: string): Promise<void> {
  await page.getByLabel(label).fill(text, patience)
  await page.keyboard.press('Enter')
}

/**
 * Two people use a running project, one on a phone in dark colours. Fails for an exchange that does not arrive, an error
 * in the console, a page without a language, a page that is wider than a phone, a control that the keyboard does not
 * reach, and what axe-core finds, contrast included.
 */
export async function visitProject(browser: Browser, url: string, template: Template): Promise<void> {
  const errors: string[] = []
  const open = async (options: BrowserContextOptions) => {
    const context = await browser.newContext({ viewport: { width: 900, height: 640 }, ...options })
    const page = await context.newPage()
    page.on('pageerror', (error) => errors.push(error.message))
    page.on('console', (message) => void (message.type() === 'error' && errors.push(message.text())))
    await page.goto(`${url}/#together`, { waitUntil: 'domcontentloaded' })
    return { page, context }
  }
  const ann = await open({ colorScheme: 'light' })
  const bob = await open({ colorScheme: 'dark', ...phone })
  if (template === 'chat') await expectAccessible(ann.page) // the page that asks for a name
  await visits[template](ann.page, bob.page)
  for (const { page } of [ann, bob]) await expectAccessible(page)
  expect(await bob.page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360)
  expect(errors).toEqual([])
  for (const { context } of [ann, bob]) await context.close()
}

async function expectAccessible(page: Page): Promise<void> {
  expect(await page.locator('html').getAttribute('lang')).toBe('en')
  await page.locator('h1').waitFor(patience)
  await page.evaluate(axe)
  const { violations } = await page.evaluate<AxeResults>('axe.run()')
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([])
  expect(await findUnreached(page)).toEqual([])
}

interface AxeResults {
  readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[]
}

/** The controls that Tab does not reach. */
async function findUnreached(page: Page): Promise<readonly string[]> {
  await page.evaluate(`
    document.activeElement?.blur()
    for (const control of document.querySelectorAll('button, input')) control.setAttribute('data-unreached', '')
    document.addEventListener('focusin', ({ target }) => target.removeAttribute('data-unreached'))`)
  const controls = page.locator('[data-unreached]:visible:not(:disabled)')
  for (let n = (await page.locator('button, input, [tabindex]').count()) + 2; n > 0; n--)
    await page.keyboard.press('Tab')
  return controls.allTextContents()
}
