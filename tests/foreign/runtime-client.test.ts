import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { repository } from '../repository.ts'
import { findRuntimeClient, startFrozenFunction } from './runtime-client.ts'

const client = findRuntimeClient()
const banner = "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);"
const source = `
  import { createApiGateway } from './packages/server/src/apigateway/gateway.ts'
  import { createSend } from './packages/server/src/dynamodb/requests/client.ts'
  const gateway = createApiGateway({ callbackUrl: process.env.CALLBACK_URL })
  const send = createSend({ table: 't', endpoint: process.env.TABLE_URL })
  export async function handler(event) {
    await send((client, sdk, abortSignal) =>
      client.send(new sdk.PutCommand({ TableName: 't', Item: { pk: event.text } }), { abortSignal }))
    return gateway.post('c1', event.text)
  }
`

let folder: string
beforeAll(async () => {
  if (client === undefined) return
  folder = await mkdtemp(join(tmpdir(), 'trunkline-frozen-'))
  await build({
    stdin: { contents: source, resolveDir: repository, loader: 'ts' },
    ...{ bundle: true, platform: 'node', format: 'esm', target: 'node22', logLevel: 'error' },
    conditions: ['trunkline-source'],
    mainFields: ['module', 'main'],
    banner: { js: banner },
    outfile: join(folder, 'function.mjs'),
  })
})
afterAll(async () => {
  if (client !== undefined) await rm(folder, { recursive: true, force: true })
})

/**
 * A server whose open sockets the test can break: their next request meets a reset before any byte of an answer, or is
 * never answered. `lost` counts these requests.
 */
async function startService() {
  const sockets = new Set<Socket>()
  const broken = new WeakMap<Socket, string>()
  const bodies: string[] = []
  let lost = 0
  const server = createServer(async (request, response) => {
    sockets.add(request.socket)
    const how = broken.get(request.socket)
    if (how !== undefined) lost += 1
    if (how === 'reset') request.socket.resetAndDestroy()
    if (how !== undefined) return
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    bodies.push(Buffer.concat(chunks).toString())
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end('{}')
  })
  server.keepAliveTimeout = 0
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    lost: () => lost,
    used: () => sockets.size,
    break(how: string) {
      for (const socket of sockets) broken.set(socket, how)
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

describe.skipIf(client === undefined)(
  'A function under AWS’s runtime client (aws-lambda-ric 4), frozen between events',
  () => {
    // A frozen process knows only the wall clock: for silent sockets the freeze has to last longer than the 2 s.
    test.each([
      { how: 'reset', freezeMs: 50, texts: ['1', '2', '3', '4', '5', '6'], lost: 5 },
      { how: 'silent', freezeMs: 2_100, texts: ['1', '2', '3', '4', '5', '6'], lost: 0 },
    ])('posts each event once although its idle connections died ($how)', async ({ how, freezeMs, texts, lost }) => {
      if (client === undefined) return
      const [gateway, table] = [await startService(), await startService()]
      const frozen = await startFrozenFunction(client, {
        folder,
        handler: 'function.handler',
        env: {
          CALLBACK_URL: `${gateway.url}/dev`,
          TABLE_URL: table.url,
          AWS_REGION: 'eu-west-1',
          AWS_ACCESS_KEY_ID: 'local',
          AWS_SECRET_ACCESS_KEY: 'local',
        },
      })
      try {
        for (const text of texts) {
          expect(await frozen.invoke({ text })).toEqual({ status: 'posted' })
          for (const service of [gateway, table]) service.break(how)
          await new Promise((resolve) => setTimeout(resolve, freezeMs))
        }
        expect(gateway.bodies).toEqual(texts)
        expect(table.bodies).toHaveLength(texts.length)
        expect([gateway.lost(), table.lost()]).toEqual([lost, lost])
      } finally {
        await frozen.close()
        await Promise.all([gateway.close(), table.close()])
      }
    })
  },
)
