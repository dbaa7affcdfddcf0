import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { trunkline } from '@trunkline/local/vite'
import { type Browser, chromium, type Page } from 'playwright-core'
import { createServer, type ViteDevServer } from 'vite'
import { afterAll, beforeAll, expect, it } from 'vitest'

const example = join(import.meta.dirname, '..')
const patience = { timeout: 30_000 }

let server: ViteDevServer
let browser: Browser
beforeAll(async () => {
  await mkdir(join(example, 'artefacts'), { recursive: true })
  server = await createServer({
    root: example,
    configFile: false, // Vite would read the plugin's sources by Node
    plugins: [trunkline({ entry: 'src/server/lambda.ts', port: 0 })],
    resolve: { conditions: ['trunkline-source', 'module', 'browser', 'development|production'] },
    server: { port: 0, host: '127.0.0.1' },
    logLevel: 'error',
  })
  await server.listen()
  const executablePath = process.env['TRUNKLINE_CHROMIUM'] ?? '/usr/bin/chromium'
  browser = await chromium.launch({ executablePath, args: ['--headless', '--no-sandbox', '--disable-gpu'] })
})
afterAll(async () => {
  await browser?.close()
  await server?.close()
})

async function open(colorScheme: 'light' | 'dark'): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 720, height: 420 }, colorScheme })
  const page = await context.newPage()
  await page.goto(`${server.resolvedUrls?.local[0]}#table`)
  await page.locator('[data-status=open]').waitFor(patience)
  return page
}
const peopleOn = (page: Page) => page.getByRole('listitem').count()

it('shows who is here, and moves the pointers of others smoothly to where they are', async () => {
  const [ann, bob, cleo] = [await open('light'), await open('dark'), await open('light')]
  for (const page of [ann, bob, cleo]) await expect.poll(() => peopleOn(page), patience).toBe(3)
  for (let n = 0; n <= 60; n++) await ann.mouse.move(100 + n * 5, 150 + n * 3)
  for (let n = 0; n <= 40; n++) await cleo.mouse.move(600 - n * 4, 120 + n)
  const placeOf = async (page: Page) =>
    (
      await page.locator('.pointer').evaluateAll((all) =>
        all.map((one) => {
          const { left, top } = one.getBoundingClientRect()
          return [Math.round(left), Math.round(top)]
        }),
      )
    ).sort()
  await expect
    .poll(() => placeOf(bob), patience)
    .toEqual([
      [400, 330],
      [440, 160],
    ])
  await bob.screenshot({ path: join(example, 'artefacts/dark.png') })
  await ann.context().close()
  await expect.poll(() => peopleOn(bob), patience).toBe(2)
  await expect.poll(() => placeOf(bob), patience).toEqual([[440, 160]])
})
