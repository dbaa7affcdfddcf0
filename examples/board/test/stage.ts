import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb'
import { type LocalLine, startLocalEntry } from '@trunkline/local'
import { type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { build } from 'vite'
import { servePage } from '../../chat/test/page-server.ts'
import type { AppRouter } from '../src/server/router.ts'
import { buildScripts, type RunScript } from './scripts.ts'

const example = join(import.meta.dirname, '..')
const table = 'board-cards'

const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
]

/** A line whose functions run as deployed, the built page and scripts, and a Chromium. */
export interface Stage extends AsyncDisposable {
  readonly local: LocalLine<AppRouter>
  readonly script: RunScript
  /** Puts a row into the table as it is, as the console does. */
  put(row: Readonly<Record<string, unknown>>): Promise<void>
  /** A board in a browser profile of its own, live. */
  open(board: string, options?: BrowserContextOptions): Promise<Page>
  closePages(): Promise<void>
}

export async function setStage(): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'trunkline-board-'))
  const web = join(folder, 'web')
  await build({ configFile: join(example, 'vite.config.ts'), logLevel: 'error', build: { outDir: web } })
  let lineUrl = ''
  const pages = await servePage(web, { 'line.json': () => ({ url: lineUrl }) })
  process.env['BOARD_ORIGINS'] = pages.origin // the functions read it, as they would from their template
  const local = await startLocalEntry<AppRouter>({
    entry: join(example, 'src/server/lambda.ts'),
    tables: [{ name: table, keys: { board: 'S', id: 'S' }, handler: 'cards' }],
  })
  lineUrl = local.url
  const script = await buildScripts(join(folder, 'scripts'), () => local.environment)
  const rows = openTable(local.environment)
  const browser = await chromium.launch({
    executablePath: process.env['TRUNKLINE_CHROMIUM'] ?? '/usr/bin/chromium',
    args: flags,
  })
  return {
    local,
    script,
    put: async (Item) => void (await rows.send(new PutCommand({ TableName: table, Item }))),
    async open(board, options = {}) {
      const context = await browser.newContext({ viewport: { width: 1_000, height: 560 }, ...options })
      const page = await context.newPage()
      await page.goto(`${pages.origin}/#${board}`)
      await page.locator('.columns[aria-busy=false]').waitFor()
      return page
    },
    async closePages() {
      await Promise.all(browser.contexts().map((context) => context.close()))
    },
    async [Symbol.asyncDispose]() {
      await browser.close()
      rows.destroy()
      await local.close()
      await pages.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function openTable(environment: Readonly<Record<string, string>>): DynamoDBDocumentClient {
  const { AWS_ENDPOINT_URL_DYNAMODB: endpoint = '', AWS_REGION: region = '' } = environment
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  return DynamoDBDocumentClient.from(new DynamoDBClient({ endpoint, region, credentials }))
}

/** The titles in a column, from top to bottom. */
export async function titlesIn(page: Page, column: string): Promise<readonly string[]> {
  return page.locator(`.column[data-column=${column}] .card[data-pending=false] .title`).allInnerTexts()
}
