import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startLocalLine } from '@trunkline/local'
import { build } from 'esbuild'
import type { Page } from 'playwright-core'
import { expect, it, onTestFinished } from 'vitest'
import { startIssuer } from '../../src/issuer/issuer.ts'
import { createAuthorize, createContext } from '../../src/server/auth.ts'
import { line, messages } from '../../src/server/channels.ts'
import { appRouter } from '../../src/server/router.ts'
import { servePage } from '../page-server.ts'
import { launchChromium } from '../stage.ts'
import type { Question } from './worker.ts'

const patience = { timeout: 20_000 }

/** Asks the page's service worker. */
function ask(page: Page, question: Question): Promise<unknown> {
  return page.evaluate(async (asked) => {
    const { active } = await navigator.serviceWorker.ready
    const { port1, port2 } = new MessageChannel()
    const answer = new Promise((resolve) => {
      port1.onmessage = ({ data }) => resolve(data)
    })
    active?.postMessage(asked, [port2])
    return await answer
  }, question)
}

it('a service worker, which has no window, makes calls and receives events, also after it lost its socket', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'trunkline-service-worker-'))
  await build({
    entryPoints: [join(import.meta.dirname, 'worker.ts')],
    outfile: join(folder, 'worker.js'),
    bundle: true,
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
    conditions: ['trunkline-source'],
  })
  await writeFile(join(folder, 'index.html'), '<!doctype html><title>A page</title>')
  await using issuer = await startIssuer()
  const pages = await servePage(folder, {})
  await using local = await startLocalLine({
    router: appRouter,
    line,
    authorize: createAuthorize({ issuer: issuer.url }),
    createContext,
    origins: [pages.origin],
  })
  const browser = await launchChromium()
  onTestFinished(async () => {
    await browser.close()
    await pages.close()
    await rm(folder, { recursive: true, force: true })
  })
  const page = await browser.newPage()
  await page.goto(pages.origin)
  const addresses = new URLSearchParams({ line: local.url, issuer: issuer.url })
  await page.evaluate((query) => navigator.serviceWorker.register(`worker.js?${query}`), String(addresses))

  const received = () => ask(page, { type: 'received' })
  expect(await ask(page, { type: 'post', text: 'from a worker' })).toBe('ann')
  await expect.poll(received, patience).toEqual(['from a worker'])
  {
    using _away = local.faults.on('connect', 'fail')
    local.faults.cut()
    const message = { id: crypto.randomUUID(), author: 'announcer', text: 'while it was away', at: Date.now() }
    await local.run(() => messages.publish({ room: 'worker' }, { type: 'posted', message }))
  }
  await expect.poll(received, patience).toEqual(['from a worker', 'while it was away'])
})
