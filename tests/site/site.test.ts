import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { brokenLinks } from '../../docs/.vitepress/check-links.mjs'
import { pages } from '../documents/blocks.ts'
import { repository } from '../repository.ts'
import { launchChromium, serveFolder } from './browser.ts'

const folder = mkdtempSync(join(tmpdir(), 'trunkline-site-'))
const out = join(folder, 'site')
/** The documents of the site: their path in it, without the ending. */
const documents = pages(join(repository, 'docs')).map(({ file, text }) => ({
  name: file.replace(/^docs\//, '').replace(/\.md$/, ''),
  text,
}))
let browser: Browser
let site: Awaited<ReturnType<typeof serveFolder>>

beforeAll(async () => {
  await runProgram('docs/.vitepress/reference.mjs')
  await runProgram('node_modules/vitepress/bin/vitepress.js', 'build', 'docs', '--outDir', out)
  ;[browser, site] = await Promise.all([launchChromium(), serveFolder(out)])
})
afterAll(async () => {
  await Promise.all([browser?.close(), site?.close()])
  rmSync(folder, { recursive: true, force: true })
})

const runProgram = (...args: readonly string[]) => promisify(execFile)(process.execPath, args, { cwd: repository })
const read = (path: string) => readFileSync(join(out, path), 'utf8')
const wordsOf = (html: string) => html.replaceAll(/<[^>]+>/g, ' ').replaceAll(/\s+/g, ' ')

describe('the built site', () => {
  it('has no link and no anchor that leads nowhere', () => {
    expect(brokenLinks(out)).toEqual([])
  })

  it('has each document with its headings in its HTML', () => {
    expect(documents.length).toBeGreaterThan(100)
    const missing = documents.flatMap(({ name, text }) => {
      const html = read(`${name}.html`)
      const headings = text.replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ ([\w ]+)$/gm)
      return [...headings]
        .filter(([, heading = '']) => !html.includes(heading))
        .map(([heading]) => `${name}: ${heading}`)
    })
    expect(missing).toEqual([])
  })

  it('has each document as Markdown, and lists them all with what they are about in llms.txt', () => {
    const list = read('llms.txt')
    const described = documents.filter(({ name }) => name !== 'index')
    expect(described.filter(({ name }) => !new RegExp(`^- \\[.+\\]\\(/${name}\\.md\\): .+`, 'm').test(list))).toEqual(
      [],
    )
    expect(
      documents.filter(({ name, text }) => !read(`${name}.md`).includes(text.split('\n# ')[1]?.slice(0, 20) ?? '')),
    ).toEqual([])
  })

  it('has the text of the guides in llms-full.txt, and no decision', () => {
    const full = read('llms-full.txt')
    expect(full).toContain('# Getting started in five minutes')
    expect(full).toContain('# Guarantees')
    expect(full).not.toContain('# 1. The store port')
  })

  it('has the figures as SVG', () => {
    const html = read('design/architecture.html')
    const sources = documents.find(({ name }) => name === 'design/architecture')?.text.match(/^```mermaid/gm)
    expect(html.match(/<figure [^>]*class="figure"/g)).toHaveLength(sources?.length ?? 0)
    expect(html).not.toContain('sequenceDiagram')
    expect(wordsOf(html)).toContain('API Gateway')
  })

  it('leads to the repository where a document links out of docs', () => {
    expect(read('reference/errors.html')).toContain(
      'href="https://github.com/trunkline/trunkline/blob/main/packages/protocol/PROTOCOL.md#errors"',
    )
    expect(read('reference/errors.md')).toContain('/blob/main/packages/protocol/PROTOCOL.md#errors)')
    expect(read('guide/streams.html')).toContain('/trunkline/tree/main/examples/ai"')
  })

  it('has a reference of every public export with its docstring, and none of internal entries', () => {
    const client = wordsOf(read('reference/api/@trunkline/client.html'))
    expect(client).toContain('Creates a connection. It opens with the first call or subscription.')
    expect(existsSync(join(out, 'reference/api/@trunkline/server/lambda.html'))).toBe(true)
    expect(existsSync(join(out, 'reference/api/@trunkline/server/internal.html'))).toBe(false)
  })
})

describe('the check of links', () => {
  it('finds pages, files and anchors that are not there', () => {
    const small = join(folder, 'small')
    mkdirSync(join(small, 'a'), { recursive: true })
    writeFileSync(
      join(small, 'index.html'),
      '<h1 id="top"></h1><a href="/a/b.html#c"></a><a href="#top"></a><img src="x.png">',
    )
    writeFileSync(
      join(small, 'a/b.html'),
      '<h1 id="d"></h1><a href="../index.html#top"></a><a href="https://a.b/c"></a><a href="./e"></a>',
    )
    expect(brokenLinks(small)).toEqual(['index.html → /a/b.html#c', 'index.html → x.png', 'a/b.html → ./e'])
  })
})

describe('the site in a browser', () => {
  it('can be read and walked through with scripts off', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false })
    const page = await context.newPage()
    await page.goto(`${site.url}/design/architecture.html`)
    expect(await page.getByRole('heading', { name: 'A frame arrives' }).isVisible()).toBe(true)
    const figure = await page.locator('.figure svg').first().boundingBox()
    expect(figure?.width).toBeGreaterThan(300)
    await page.getByRole('navigation').getByRole('link', { name: 'Reference' }).first().click()
    await page.getByRole('link', { name: 'Errors' }).first().click()
    expect(await page.locator('h1').textContent()).toContain('Errors')
    expect(await page.locator('#key_reused').isVisible()).toBe(true)
    await context.close()
  })

  it.each([
    '',
    'guide/getting-started.html',
    'design/architecture.html',
    'reference/errors.html',
    'reference/cost.html',
  ])('fits on a phone: /%s', async (path) => {
    const page = await browser.newPage({ viewport: { width: 390, height: 844 } })
    await page.goto(`${site.url}/${path}`)
    const widths = await page.evaluate('[document.documentElement.scrollWidth, document.documentElement.clientWidth]')
    expect(widths).toEqual([390, 390])
    await page.close()
  })

  it('is dark where the device is', async () => {
    const backgrounds = []
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await browser.newPage({ colorScheme })
      await page.goto(`${site.url}/guide/getting-started.html`)
      backgrounds.push(await page.evaluate('getComputedStyle(document.body).backgroundColor'))
      await page.close()
    }
    expect(backgrounds).toEqual(['rgb(255, 255, 255)', 'rgb(27, 27, 31)'])
  })

  it('finds a page by a word, and needs no other host for it', async () => {
    const page = await browser.newPage()
    const hosts = new Set<string>()
    page.on('request', (request) => hosts.add(new URL(request.url()).host))
    await page.goto(site.url, { waitUntil: 'networkidle' })
    await page.getByRole('button', { name: 'Search' }).click()
    await page.locator('input.search-input').fill('KEY_REUSED')
    const first = page.locator('.VPLocalSearchBox a').first()
    expect(await first.getAttribute('href')).toBe('/reference/errors.html#key_reused')
    expect([...hosts].filter((host) => host !== '' && host !== new URL(site.url).host)).toEqual([])
    await page.close()
  })
})
