import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPages } from './web-pages.ts'

let parent: string
let web: string
let server: Server

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'trunkline-web-'))
  web = join(parent, 'web')
  for (const folder of ['web/assets', 'web/.git', 'web/.well-known', 'web-secret', 'secret'])
    await mkdir(join(parent, folder), { recursive: true })
  const files = {
    'web/index.html': 'the page',
    'web/about.html': 'about',
    'web/assets/app.js': 'the script',
    'web/.env': 'hush',
    'web/assets/.env.local': 'hush',
    'web/.git/config': 'hush',
    'web/.well-known/assetlinks.json': 'links',
    'web/.well-known/.env': 'hush',
    'web-secret/key.txt': 'hush',
    'secret/key.txt': 'hush',
    'secret/index.html': 'hush',
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(parent, name), text)
  await symlink(join(parent, 'secret/key.txt'), join(web, 'key.txt'))
  await symlink(join(parent, 'secret/index.html'), join(web, 'linked.html'))
  await symlink(join(parent, 'secret'), join(web, 'folder'), 'junction')
  await symlink(join(web, 'assets/app.js'), join(web, 'app.js'))
  server = await serve(web)
})
afterAll(async () => {
  server.close()
  await rm(parent, { recursive: true })
})

async function serve(folder: string): Promise<Server> {
  const pages = createPages(folder)
  const listening = createServer((incoming, response) => void pages(incoming, response)).listen(0, '127.0.0.1')
  await new Promise((resolve) => listening.once('listening', resolve))
  return listening
}

/** Sends a path unchanged; `fetch` would normalise it. */
function get(
  path: string,
  headers: Record<string, string> = {},
  { at = server, method = 'GET' } = {},
): Promise<{ status: number; body: string }> {
  const { port } = at.address() as AddressInfo
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, headers, method }, async (response) => {
      let body = ''
      for await (const chunk of response) body += String(chunk)
      resolve({ status: response.statusCode ?? 0, body })
    })
    sent.once('error', reject).end()
  })
}

describe('a folder of pages', () => {
  test.each([
    ['/', 'the page'],
    ['/assets/app.js', 'the script'],
    ['/about', 'about'],
    ['/a/route/of/the/page', 'the page'],
    ['/.well-known/assetlinks.json', 'links'],
    ['/app.js', 'the script'],
    ['/assets/app.js?v=1#x', 'the script'],
  ])('serves %s', async (path, body) => {
    expect(await get(path)).toEqual({ status: 200, body })
  })

  test.each([
    ['a dot file', '/.env'],
    ['a dot file in a folder', '/assets/.env.local'],
    ['a file in a dot folder', '/.git/config'],
    ['a dot file in .well-known', '/.well-known/.env'],
    ['an escaped dot', '/%2eenv'],
    ['an escaped dot in a folder', '/assets/%2Eenv.local'],
    ['a doubled slash', '//.env'],
    ['a link to a file outside', '/key.txt'],
    ['a link to a page outside, without its ending', '/linked'],
    ['a link to a page outside', '/linked.html'],
    ['a link to a folder outside', '/folder/key.txt'],
    ['the page of a linked folder', '/folder'],
    ['the page of a linked folder with a slash', '/folder/'],
    ['the folder above', '/../secret/key.txt'],
    ['the folder above, escaped', '/%2e%2e/secret/key.txt'],
    ['the folder above with an escaped slash', '/..%2fsecret%2fkey.txt'],
    ['the folder above, both escaped', '/%2e%2e%2fsecret%2fkey.txt'],
    ['the folder above, escaped twice', '/%252e%252e/secret/key.txt'],
    ['the folder above by backslashes', '/..\\secret\\key.txt'],
    ['the folder above by escaped backslashes', '/..%5csecret%5ckey.txt'],
    ['a folder whose name begins alike', '/../web-secret/key.txt'],
    ['an invalid escape', '/%zz/../secret/key.txt'],
    ['overlong UTF-8', '/%c0%ae%c0%ae/secret/key.txt'],
    ['a null byte', '/key.txt%00.html'],
    ['a whole URL', 'http://localhost/.env'],
  ])('does not serve %s', async (_, path) => {
    const { status, body } = await get(path)
    expect(status).toBe(404)
    expect(body).not.toContain('hush')
  })

  test.each(['bytes=5-2', 'bytes=x-y', 'bytes=-3', 'bytes=0-1,2-3', 'lines=1-2'])(
    'answers the range %s, which it does not know, with the whole file',
    async (range) => {
      expect(await get('/about.html', { range })).toEqual({ status: 200, body: 'about' })
    },
  )

  test('sends a range', async () => {
    expect(await get('/about.html', { range: 'bytes=1-2' })).toEqual({ status: 206, body: 'bo' })
  })

  test('is rejected for a foreign host name and for a page of another origin, and opens from a link', async () => {
    const opened = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }
    expect((await get('/', { host: 'evil.example' })).status).toBe(403)
    expect((await get('/', { origin: 'https://evil.example' })).status).toBe(403)
    expect((await get('/app.js', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' })).status).toBe(403)
    expect((await get('/', opened)).status).toBe(200)
    expect((await get('/line.json', opened)).status).toBe(403)
    expect((await get('/', {}, { method: 'POST' })).status).toBe(405)
  })

  test('is served once it is built', async () => {
    const late = join(parent, 'late')
    const waiting = await serve(late)
    const early = await get('/', {}, { at: waiting })
    expect(early.status).toBe(503)
    expect(early.body).toContain('Build the page and reload')
    await mkdir(late)
    await writeFile(join(late, 'index.html'), 'built')
    expect(await get('/', {}, { at: waiting })).toEqual({ status: 200, body: 'built' })
    waiting.close()
  })
})
