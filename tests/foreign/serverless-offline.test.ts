import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createClient, createConnection, iterate } from '@trunkline/client'
import { awsBackend } from '@trunkline/server/aws'
import { afterEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createLocalClock } from '../../packages/local/src/emulators/clock.ts'
import { startDynamo } from '../../packages/local/src/emulators/dynamodb/dynamo.ts'
import { repository } from '../repository.ts'
import { type AppRouter, line, orders } from './offline-app.ts'

const offline =
  process.env['TRUNKLINE_SERVERLESS_OFFLINE'] ??
  join(repository, 'node_modules/.foreign/serverless-offline/node_modules/serverless-offline')
const isInstalled = existsSync(offline) && existsSync(join(repository, 'packages/serverless/dist'))

const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
const cleanups: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

const service = (settings: string) => `
service: shop
frameworkVersion: '4'
configValidationMode: error
plugins: ['@trunkline/serverless', serverless-esbuild, serverless-offline-dynamodb-streams, serverless-offline]
package: { individually: true }
provider: { name: aws, region: eu-west-1 }
custom:
  trunkline: { handler: src/lambda, ${settings} }
  esbuild: { conditions: [trunkline-source, module] }
`

/** Serves the application in serverless-offline, with an empty table. */
async function startOffline(settings: string) {
  const clock = createLocalClock()
  const dynamo = await startDynamo({ clock })
  cleanups.push(async () => {
    await dynamo.close()
    clock.close()
  })
  const folder = await mkdtemp(join(tmpdir(), 'trunkline-offline-'))
  cleanups.push(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  await mkdir(join(folder, 'src'))
  await mkdir(join(folder, 'node_modules'))
  const link = (from: string, name: string) => symlink(join(from, name), join(folder, 'node_modules', name), 'junction')
  const own = join(repository, 'node_modules')
  for (const name of ['@trunkline', '@trpc', '@aws-sdk', '@smithy', 'zod', 'esbuild', 'serverless-esbuild'])
    await link(own, name)
  for (const name of ['serverless-offline', 'serverless-offline-dynamodb-streams']) await link(dirname(offline), name)
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  await writeFile(join(folder, 'serverless.yml'), service(settings))
  await copyFile(join(import.meta.dirname, 'offline-app.ts'), join(folder, 'src/lambda.ts'))

  const [http, websocket, lambda] = [await freePort(), await freePort(), await freePort()]
  const ports = ['--httpPort', http, '--websocketPort', websocket, '--lambdaPort', lambda].map(String)
  const { PATH, SYSTEMROOT, TEMP } = process.env
  const found = { PATH, SYSTEMROOT, TEMP, HOME: folder, SLS_NOTIFICATIONS_MODE: 'off' }
  const quiet = { AWS_EC2_METADATA_DISABLED: 'true', AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' }
  const child = spawn(process.execPath, [join(own, 'serverless/bin/serverless.js'), 'offline', ...ports], {
    cwd: folder,
    env: { ...found, ...quiet, AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint },
  })
  cleanups.push(() => end(child))
  await untilReady(child)
  return { dynamo: dynamo.endpoint, url: `ws://localhost:${websocket}`, http: `http://localhost:${http}` }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

function untilReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let printed = ''
    const read = (chunk: Buffer) => {
      printed += chunk.toString()
      if (printed.includes('[http for websocket] listening')) resolve()
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
    child.once('exit', () => reject(new Error(`serverless-offline has ended:\n${printed}`)))
  })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
}

/** A client whose sockets the test can end. */
function connect(url: string) {
  const sockets: WebSocket[] = []
  class Recorded extends WebSocket {
    constructor(...args: ConstructorParameters<typeof WebSocket>) {
      super(...args)
      sockets.push(this)
    }
  }
  const problems: string[] = []
  const onProtocolError = (message: string) => {
    problems.push(message)
  }
  const connection = createConnection({ url, WebSocket: Recorded, onProtocolError })
  cleanups.push(() => connection.close())
  const close = () => connection.close()
  return { client: createClient<AppRouter>({ connection }), sockets, problems, close }
}

describe.skipIf(!isInstalled)('serverless-offline, which npm run test:long installs', () => {
  test.each([
    ['a function for each handler', 'alarms: false'],
    ['one function', 'functions: one'],
  ])('serves a line of the plugin with %s', async (_, settings) => {
    const { url, http, dynamo } = await startOffline(settings)
    const { client, sockets, problems } = connect(url)
    const seen = iterate(client.onOrder, { shop: 'a' })
    const next = async () => (await seen.next()).value?.data
    const first = next()
    await client.order.mutate({ shop: 'a', total: 1 })
    expect(await first).toEqual({ total: 1 })

    const counted: number[] = []
    for await (const value of iterate(client.count, 3)) counted.push(value)
    expect(counted).toEqual([0, 1, 2])

    const script = awsBackend({ table: 'shop-dev', endpoint: dynamo, region: 'eu-west-1', credentials })
    await line.withBackend(script, () => orders.publish({ shop: 'a' }, { total: 2 })) // delivered by the stream
    expect(await next()).toEqual({ total: 2 })

    sockets[0]?.terminate()
    await client.order.mutate({ shop: 'a', total: 3 })
    expect(await next()).toEqual({ total: 3 })
    expect(sockets.length).toBeGreaterThan(1)

    const frames = [{ id: 1, method: 'mutation', params: { path: 'order', input: { shop: 'a', total: 4 } } }]
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${http}/frames`, { method: 'POST', headers, body: JSON.stringify(frames) })
    expect(await response.json()).toMatchObject([{ id: 1, result: { type: 'data' } }])
    expect(await next()).toEqual({ total: 4 })

    const watched = iterate(client.watch, { shop: 'a' })
    const change = async () => (await watched.next()).value?.data.type
    expect(await change()).toBe('here')
    const joined = connect(url)
    await iterate(joined.client.join, { shop: 'a' }).next()
    expect(await change()).toBe('join')
    for (const socket of joined.sockets) socket.terminate()
    await joined.close()
    expect(await change()).toBe('leave') // by a message of the queue
    expect(problems).toEqual([])
  })

  test('answers a ping once', async () => {
    const { url } = await startOffline('alarms: false')
    const socket = new WebSocket(url)
    cleanups.push(() => socket.terminate())
    const received: string[] = []
    socket.on('message', (message) => received.push(String(message)))
    await new Promise((resolve) => socket.once('open', resolve))
    socket.send('{"method":"ping"}')
    await expect.poll(() => received, { timeout: 60_000 }).toContain('{"pong":true}')
    await new Promise((resolve) => setTimeout(resolve, 2_000)) // as long as a repeat takes
    expect(received.filter((text) => text !== '{}')).toEqual(['{"pong":true}'])
  })
})
