import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { startLocalLine } from '@trunkline/local'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { line, router } from '../benchmarks/cold-start/src/application/router.ts'
import { type Bundle, bundle } from '../benchmarks/cold-start/src/bundle.ts'
import { readDeployedSettings } from '../benchmarks/cold-start/src/deployed-settings.ts'
import { connect, deliverJob, handshake, plainCall, streamed } from '../benchmarks/cold-start/src/events.ts'
import { probe } from '../benchmarks/cold-start/src/probe.ts'
import { repository } from './repository.ts'

const settings = readDeployedSettings(repository)
const heavy = /^@(aws-sdk|smithy|aws-crypto)\//
const sdkIn = (packages: readonly string[]) => packages.filter((name) => heavy.test(name))
const clientsIn = (packages: readonly string[]) =>
  packages.filter((name) => /^@aws-sdk\/(client|lib)-/.test(name)).sort()
const tableClients = ['@aws-sdk/client-dynamodb', '@aws-sdk/lib-dynamodb']
const application = 'benchmarks/cold-start/src/application/trunkline.ts'

let folder = ''
let functions: Bundle
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trunkline-cold-'))
  functions = await bundle({
    settings,
    root: repository,
    entry: application,
    outdir: join(folder, 'own'),
    traced: true,
  })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** The packages whose code a function has loaded after its first event, or after init if there is no event. */
async function readBy(handler: string, event?: unknown, env = {}): Promise<readonly string[]> {
  const { read } = await probe({ file: functions.file, handler, event, env: { TRUNKLINE_TABLE: 'none', ...env } })
  return [...new Set(read.flatMap((url) => functions.packagesOf.get(basename(url)) ?? []))]
}

describe('a cold start', () => {
  it('of the chat loads no AWS SDK, which is in separate files', async () => {
    const entry = 'examples/chat/src/server/lambda.ts'
    const chat = await bundle({ settings, root: repository, entry, outdir: join(folder, 'chat') })
    expect(chat.initFiles.flatMap((file) => sdkIn(chat.packagesOf.get(file) ?? []))).toEqual([])
    expect([...chat.packagesOf.values()].flatMap(sdkIn)).toContain('@aws-sdk/client-dynamodb')
  })

  it.each(['tableStream', 'deliver', 'handler'])(
    'of %s reads the table’s client at init, which all its events need',
    async (handler) => {
      expect(clientsIn(await readBy(handler))).toEqual(tableClients)
    },
  )

  it.each(['authorizer', 'websocket', 'worker'])('of %s loads no AWS SDK at init', async (handler) => {
    expect(sdkIn(await readBy(handler))).toEqual([])
  })

  it.each(['authorizer', 'websocket', 'worker', 'http'])(
    'of %s, deployed with the one handler for all events, loads no AWS SDK at init',
    async (name) => {
      const deployedAs = (end: string) => readBy('handler', undefined, { AWS_LAMBDA_FUNCTION_NAME: `shop-prod-${end}` })
      expect(sdkIn(await deployedAs(name))).toEqual([])
      expect(clientsIn(await deployedAs('delayed'))).toEqual(tableClients)
    },
  )

  it('and a plain call load no AWS SDK', async () => {
    const read = await readBy('websocket', plainCall)
    expect(read).toContain('@trpc/server')
    expect(sdkIn(read)).toEqual([])
  })

  it('and a plain call read no file that its init has not read', async () => {
    const started = { file: functions.file, handler: 'websocket', env: { TRUNKLINE_TABLE: 'none' } }
    const [init, call] = [await probe(started), await probe({ ...started, event: plainCall })]
    expect(call.read).toEqual(init.read)
    expect(init.read.length).toBeLessThan(functions.packagesOf.size)
  })

  it('and a handshake load no AWS SDK', async () => {
    expect(sdkIn(await readBy('authorizer', handshake))).toEqual([])
  })

  it.each([
    ['websocket', '$connect', connect],
    ['tableStream', 'a record of the stream', streamed],
    ['deliver', 'a shard of an audience', deliverJob],
  ])('of %s for %s reads the table’s client and no other', async (handler, _, event) => {
    await using local = await startLocalLine({ router, line })
    const env = { ...local.environment, TRUNKLINE_CALLBACK_URL: local.url.replace(/^ws/, 'http') }
    expect(clientsIn(await readBy(handler, event, env))).toEqual(tableClients)
  })
})
