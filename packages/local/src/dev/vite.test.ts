import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createClient, createConnection } from '@trunkline/client'
import { createServer, type ViteDevServer } from 'vite'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import type { AppRouter } from '../testing/entry.suite.ts'
import { trunkline } from './vite.ts'

const entry = fileURLToPath(new URL('../testing/entry.suite.ts', import.meta.url))

let folder: string
let server: ViteDevServer | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trunkline-vite-'))
  vi.stubEnv('TRUNKLINE_ORIGINS', 'https://app.example')
})
afterEach(async () => {
  await server?.close()
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true, force: true })
})

/** Starts Vite in the folder with the plugin. Returns the address of its pages, and what it logged. */
async function startVite(options: Parameters<typeof trunkline>[0]) {
  const logged: string[] = []
  const log = (text: string) => void logged.push(text)
  server = await createServer({
    root: folder,
    configFile: false,
    plugins: [trunkline({ port: 0, ...options })],
    server: { port: 0, host: '127.0.0.1' },
    customLogger: {
      info: log,
      warn: log,
      error: log,
      warnOnce: log,
      clearScreen() {},
      hasWarned: false,
      hasErrorLogged: () => false,
    },
  })
  await server.listen()
  const [page = ''] = server.resolvedUrls?.local ?? []
  return { page: new URL(page).origin, logged }
}

async function askLine(page: string): Promise<string> {
  const { url } = (await (await fetch(`${page}/line.json`)).json()) as { readonly url: string }
  class Browser extends WebSocket {
    constructor(url: string, protocols?: string[]) {
      super(url, protocols, { origin: page })
    }
  }
  const connection = createConnection({ url, WebSocket: Browser })
  try {
    return await createClient<AppRouter>({ connection }).hello.query()
  } finally {
    await connection.close()
  }
}

test('Vite runs the line of the project, whose address and origin its pages have', async () => {
  await writeFile(join(folder, 'trunkline.config.json'), JSON.stringify({ entry, port: 0 }))
  const { page, logged } = await startVite({})
  expect(await askLine(page)).toBe('hello')
  expect(logged.join('\n')).toMatch(/Line: {6}ws:\/\/localhost:\d+\/dev\n.+Inspector: http.+\/_inspector/)
  expect(process.env['TRUNKLINE_ORIGINS']).toContain('https://app.example,http://localhost:')
})

test('the line ends with Vite', async () => {
  const { page } = await startVite({ entry })
  const { httpUrl } = (await (await fetch(`${page}/line.json`)).json()) as { readonly httpUrl: string }
  await server?.close()
  server = undefined
  await expect
    .poll(
      () =>
        fetch(httpUrl).then(
          () => 'answers',
          () => 'gone',
        ),
      { timeout: 20_000 },
    )
    .toBe('gone')
})

test('a line that cannot start says why, and starts after a change', async () => {
  await symlink(
    fileURLToPath(new URL('../../../../node_modules', import.meta.url)),
    join(folder, 'node_modules'),
    'junction',
  )
  const { page, logged } = await startVite({ folder, entry: 'lambda.ts' })
  const response = await fetch(`${page}/line.json`)
  expect([response.status, await response.json()]).toEqual([
    503,
    { message: 'The line did not start. The output of Vite says why.' },
  ])
  expect(logged.join('\n')).toContain('lambda.ts does not exist')
  await writeFile(join(folder, 'lambda.ts'), `export * from ${JSON.stringify(entry)}`)
  server?.watcher.emit('change', join(folder, 'lambda.ts'))
  await expect.poll(() => askLine(page).catch(String), { timeout: 20_000 }).toBe('hello')
})

test('tests that run Vite without a server of its own start no line', async () => {
  server = await createServer({
    root: folder,
    configFile: false,
    plugins: [trunkline({ entry: 'missing.ts' })],
    server: { middlewareMode: true },
    logLevel: 'silent',
  })
  expect(server.httpServer).toBeNull()
})
