import { mkdir, mkdtemp, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseEnv } from 'node:util'
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { createClient, createConnection, iterate } from '@trunkline/client'
import { describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import type { AppRouter } from '../testing/entry.suite.ts'
import { openHandles } from '../testing/open-handles.suite.ts'
import type { AppRouter as BoardRouter } from '../testing/source-entry.suite.ts'
import { dev } from './dev.ts'
import { readDevConfig } from './dev-config.ts'

const entry = fileURLToPath(new URL('../testing/entry.suite.ts', import.meta.url))

async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'trunkline-dev-'))
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return folder
}

const mark = '# Written by trunkline dev, and removed when it stops.\n'

describe('trunkline dev', () => {
  test('serves the page and the line’s address, and accepts the page’s origin', async () => {
    const web = await folderWith({ 'index.html': '<title>chat</title>' })
    const line = await dev('.', { entry, web, port: 0, log: () => {} })
    expect(await (await fetch(`${line.address}/`)).text()).toContain('chat')
    const received = (await (await fetch(`${line.address}/line.json`)).json()) as {
      url: string
      httpUrl: string
    }
    const origin = line.address
    class Browser extends WebSocket {
      constructor(url: string, protocols?: string[]) {
        super(url, protocols, { origin })
      }
    }
    const connection = createConnection({ url: received.url, WebSocket: Browser })
    expect(await createClient<AppRouter>({ connection }).hello.query()).toBe('hello')
    await connection.close()
    expect(received.httpUrl).toBe(`${line.address}/dev`)
    await line.close()
  })

  test('reloads changed code while it runs, and keeps the old code when the build fails', async () => {
    const source = (word: string) => `
      import { initTRPC } from '@trpc/server'
      import { createLambdaHandlers } from '@trunkline/server/lambda'
      const t = initTRPC.create()
      const router = t.router({ hello: t.procedure.query(() => ${word}) })
      export const { authorizer, websocket, tableStream, deliver, worker } = createLambdaHandlers({ router })`
    const folder = await folderWith({ 'entry.ts': source("'one'") })
    await symlink(
      fileURLToPath(new URL('../../../../node_modules', import.meta.url)),
      join(folder, 'node_modules'),
      'junction',
    )
    const logged: string[] = []
    const line = await dev(folder, { entry: 'entry.ts', port: 0, log: (text) => logged.push(text) })
    const logs = (words: string) => expect.poll(() => logged.join(), { timeout: 10_000 }).toContain(words)
    const connection = createConnection({ url: line.url, WebSocket })
    const client = createClient<AppRouter>({ connection })
    expect(await client.hello.query()).toBe('one')
    await writeFile(join(folder, 'entry.ts'), source('('))
    await logs('kept the old code')
    expect(await client.hello.query()).toBe('one')
    await writeFile(join(folder, 'entry.ts'), source("'two'"))
    await logs('reloaded')
    expect(await client.hello.query()).toBe('two')
    await connection.close()
    await line.close()
  })

  test('rejects a page of another origin', async () => {
    const line = await dev('.', { entry, port: 0, log: () => {} })
    const socket = new WebSocket(line.url, { origin: 'https://evil.example' })
    const status = await new Promise((resolve) => {
      socket.on('unexpected-response', (_, response) => resolve(response.statusCode))
      socket.on('error', () => {})
    })
    expect(status).toBe(403)
    await line.close()
  })

  test('uses the next port when the port of the settings is in use', async () => {
    const busy = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => busy.once('listening', resolve))
    const { port } = busy.address() as AddressInfo
    const logged: string[] = []
    const folder = await folderWith({ 'trunkline.config.json': JSON.stringify({ entry, port }) })
    const line = await dev(folder, { log: (text) => logged.push(text) })
    expect(logged.join('\n')).toContain(`port ${port} is in use`)
    expect(new URL(line.url).port).not.toBe(String(port))
    await line.close()
    busy.close()
  })

  test('rejects a named port that is in use, and leaves no handle open', async () => {
    const busy = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => busy.once('listening', resolve))
    const { port } = busy.address() as AddressInfo
    const before = openHandles()
    await expect(dev('.', { entry, port, log: () => {} })).rejects.toThrow(`Port ${port} is in use`)
    await expect.poll(openHandles).toBeLessThanOrEqual(before)
    busy.close()
  })

  test('leaves no handle open when its environment cannot be written', async () => {
    const folder = await folderWith({ file: '' })
    const before = openHandles()
    const env = join(folder, 'file', 'local.env')
    await expect(dev('.', { entry, env, port: 0, log: () => {} })).rejects.toThrow()
    await expect.poll(openHandles).toBeLessThanOrEqual(before)
  })

  test('accepts the pages of TRUNKLINE_ORIGINS and its own', async () => {
    vi.stubEnv('TRUNKLINE_ORIGINS', 'http://localhost:5173, https://app.example')
    const line = await dev('.', { entry, port: 0, log: () => {} })
    const { port } = new URL(line.url)
    const statusFor = (origin: string) =>
      new Promise((resolve) => {
        const socket = new WebSocket(line.url, { origin })
        socket.on('open', () => resolve('open'))
        socket.on('unexpected-response', (_, response) => resolve(response.statusCode))
        socket.on('error', () => {})
      })
    for (const origin of ['http://localhost:5173', 'https://app.example', `http://localhost:${port}`])
      expect([origin, await statusFor(origin)]).toEqual([origin, 'open'])
    expect(await statusFor('https://evil.example')).toBe(403)
    vi.unstubAllEnvs()
    await line.close()
  })

  test('prints the line of the application at which a function throws', async () => {
    const folder = await folderWith({ 'api.ts': "\nJSON.parse('no')\nexport const handler = () => {}" })
    const logged: string[] = []
    const line = await dev(folder, { entry: 'api.ts', port: 0, log: (text) => logged.push(text) })
    const socket = new WebSocket(line.url)
    await new Promise((resolve) => socket.on('error', resolve))
    expect(logged.join('\n')).toMatch(/: .+ is not valid JSON at .*api\.ts:2:/)
    await line.close()
  })

  test('keeps the environment of scripts in a file while it runs', async () => {
    const env = join(await folderWith({}), 'deeper', 'local.env')
    const line = await dev('.', { entry, env, port: 0, log: () => {} })
    const received = await readFile(env, 'utf8')
    expect(received).toMatch(/^TRUNKLINE_TABLE=trunkline-/m)
    expect(received).toMatch(/^AWS_ENDPOINT_URL_DYNAMODB=http:/m)
    await line.close()
    await expect(readFile(env)).rejects.toThrow('ENOENT')
  })

  test('refuses to replace a file of the user by its environment', async () => {
    const folder = await folderWith({ '.env': 'TRUNKLINE_TABLE=mine\nSECRET=1\n', empty: '' })
    const env = join(folder, '.env')
    await expect(dev('.', { entry, env, port: 0, log: () => {} })).rejects.toThrow(
      /Expected env to name a new file, got/,
    )
    expect(await readFile(env, 'utf8')).toBe('TRUNKLINE_TABLE=mine\nSECRET=1\n')
    const line = await dev('.', { entry, env: join(folder, 'empty'), port: 0, log: () => {} })
    expect(await readFile(join(folder, 'empty'), 'utf8')).toMatch(/^# Written by trunkline dev.*\nTRUNKLINE_TABLE=/)
    await line.close()
  })

  test.skipIf(process.platform === 'win32')('lets only the user read the environment and the rows', async () => {
    const folder = await folderWith({ 'local.env': `${mark}TRUNKLINE_TABLE=old` }) // of a killed run, readable by all
    const [env, newEnv] = [join(folder, 'local.env'), join(folder, 'new', 'deeper', 'local.env')]
    const [data, newData] = [join(folder, 'data'), join(folder, 'other', 'data')]
    await mkdir(data, { mode: 0o755 })
    const modeOf = async (path: string) => (await stat(path)).mode & 0o777
    const line = await dev('.', { entry, env, data, port: 0, log: () => {} })
    expect([await modeOf(env), await modeOf(data)]).toEqual([0o600, 0o700])
    await line.close()
    const next = await dev('.', { entry, env: newEnv, data: newData, port: 0, log: () => {} })
    expect([await modeOf(newEnv), await modeOf(newData)]).toEqual([0o600, 0o700])
    expect(await modeOf(join(folder, 'new'))).toBe(0o700)
    await next.close()
  })

  test('runs before its page is built', async () => {
    const folder = await folderWith({})
    const logged: string[] = []
    const line = await dev('.', { entry, web: join(folder, 'dist'), port: 0, log: (text) => logged.push(text) })
    expect(logged.join()).toContain('is not built yet; it is served once it exists')
    expect((await fetch(line.address)).status).toBe(503)
    await mkdir(join(folder, 'dist'))
    await writeFile(join(folder, 'dist', 'index.html'), 'built at last')
    expect(await (await fetch(line.address)).text()).toBe('built at last')
    await line.close()
  })

  test('creates the tables of the settings, and passes their changes to the entry', async () => {
    const source = fileURLToPath(new URL('../testing/source-entry.suite.ts', import.meta.url))
    const tables = [{ name: 'cards-of-dev', keys: { board: 'S', id: 'S' }, handler: 'cards' }]
    const folder = await folderWith({
      'trunkline.config.json': JSON.stringify({ entry: source, port: 0, tables, env: 'env' }),
    })
    const line = await dev(folder, { log: () => {} })
    const { AWS_ENDPOINT_URL_DYNAMODB: endpoint = '' } = parseEnv(await readFile(join(folder, 'env'), 'utf8'))
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
    const table = new DynamoDBClient({ endpoint, region: 'local-1', credentials })
    const Item = { board: { S: 'b' }, id: { S: '1' }, column: { S: 'todo' } }
    await table.send(new PutItemCommand({ TableName: 'cards-of-dev', Item }))
    table.destroy()
    const connection = createConnection({ url: line.url, WebSocket })
    const seen = iterate(createClient<BoardRouter>({ connection }).live, { board: 'b' })
    expect((await seen.next()).value?.data).toMatchObject({ type: 'insert', column: 'todo' })
    await connection.close()
    await line.close()
  })

  test.each([
    [{ 'trunkline.config.json': '{"entry":"x","tables":{}}' }, 'Expected tables to be a list, got {}'],
    [{ 'trunkline.config.json': '{"entry":"x","tables":[{"name":"cards"}]}' }, 'got {"name":"cards"}'],
    [
      { 'trunkline.config.json': '{"entry":"x","tables":[{"name":"t","keys":{"id":"S"},"indexes":[]}]}' },
      '"by-column"',
    ],
    [
      { 'trunkline.config.json': '{"entry":"x","tables":[{"name":"t","keys":{"id":"S"},"indexes":{"i":{}}}]}' },
      '"by-column"',
    ],
    [
      { 'trunkline.config.json': '{"entry":"x","tables":[{"name":"t","handler":"h","keys":{"id":"text"}}]}' },
      'to be like { "name": "cards"',
    ],
    [{}, 'Name the module'],
    [{ 'trunkline.config.json': '{' }, 'to contain JSON'],
    [{ 'trunkline.config.json': '{"entri":"x"}' }, 'got entri'],
    [{ 'trunkline.config.json': '{"entry":5}' }, 'Expected entry to be a string, got 5'],
    [
      { 'trunkline.config.json': '{"entry":"x","backgroundRuns":0}' },
      'backgroundRuns to be a whole number from 1, got 0',
    ],
    [{ 'trunkline.config.json': '{"entry":"x","port":70000}' }, 'Expected a port from 0 to 65535'],
  ])('reports in one line the error of a folder with %j', async (files, words) => {
    const folder = await folderWith(files)
    await expect(readDevConfig(folder, {})).rejects.toThrow(words)
  })

  test('names the missing file', async () => {
    await expect(dev('.', { entry: './nowhere.ts', log: () => {} })).rejects.toThrow('nowhere.ts')
  })
})
