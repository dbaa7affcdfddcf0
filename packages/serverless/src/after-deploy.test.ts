import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import TrunklinePlugin from './index.ts'
import type { Provider, Serverless } from './serverless.ts'

const folder = mkdtempSync(join(tmpdir(), 'trunkline-page-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
mkdirSync(join(folder, 'page/assets'), { recursive: true })
writeFileSync(join(folder, 'page/index.html'), '<title>Shop</title>')
writeFileSync(join(folder, 'page/assets/index-DZYgM9_M.js'), 'run()')
writeFileSync(join(folder, 'page/icon.svg'), '<svg/>')

interface Stored {
  readonly path: string
  readonly type: string | undefined
  readonly cache: string | undefined
  readonly body: string
}

/** A server that stores what S3's client puts. */
async function startBucket() {
  const stored: Stored[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { 'content-type': type, 'cache-control': cache } = request.headers
    stored.push({ path: `${request.url}`.replace(/\?.*/, ''), type, cache, body: Buffer.concat(chunks).toString() })
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  const config = {
    region: 'eu-west-1',
    endpoint,
    forcePathStyle: true,
    credentials,
    requestChecksumCalculation: 'WHEN_REQUIRED',
  }
  return { stored, config, close: () => server.close() }
}

/** A service whose stack osls has deployed and described. */
function createDeployed(settings: object, outputs: Readonly<Record<string, string>>, provider: Partial<Provider> = {}) {
  const sections = new Map<string, string | readonly string[]>()
  const gathered = Object.entries(outputs).map(([OutputKey, OutputValue]) => ({ OutputKey, OutputValue }))
  const serverless: Serverless = {
    service: {
      service: 'shop',
      custom: { trunkline: { handler: 'src/lambda', ...settings } },
      functions: {},
      provider: { runtime: 'nodejs24.x', compiledCloudFormationTemplate: { Resources: {} } },
    },
    serviceDir: folder,
    pluginManager: {
      plugins: [{}, { gatheredData: { outputs: gathered, info: { region: 'eu-west-1', stack: 'shop-prod' } } }],
    },
    extendConfiguration: () => {},
    getProvider: () => ({ getStage: () => 'prod', ...provider }),
    addServiceOutputSection: (name, content) => sections.set(name, content),
  }
  const { hooks } = new TrunklinePlugin(serverless)
  return {
    hooks,
    shown: () => [...sections].map(([name, lines]) => `${name}: ${[lines].flat().join('\n')}`).join('\n'),
  }
}

const outputs = { ServiceEndpointWebsocket: 'wss://a.example/prod', TableName: 'shop-Table' }
const show = 'after:aws:info:displayStackOutputs'

describe('a deployment', () => {
  it('shows the address of the line, and that no page may connect yet', async () => {
    const { hooks, shown } = createDeployed({}, outputs)
    await hooks[show]?.()
    expect(shown()).toContain('wss://a.example/prod (url of createConnection)')
    expect(shown()).toContain(
      'No page may connect yet, unless createLambdaHandlers names origins: set custom.trunkline.origins',
    )
    expect(shown()).toContain('Alarms notify nobody: set custom.trunkline.alarmTopic')
    expect(shown()).toContain('TRUNKLINE_TABLE=shop-Table')
  })

  it.each([{ origins: ['https://shop.example'] }, { parameters: { Origins: 'https://shop.example' } }, { site: true }])(
    'does not ask for an origin with %j',
    async (settings) => {
      const { hooks, shown } = createDeployed(settings, outputs)
      await hooks[show]?.()
      expect(shown()).not.toContain('No page may connect')
    },
  )

  it('asks for no topic without alarms', async () => {
    const { hooks, shown } = createDeployed({ alarms: false }, outputs)
    await hooks[show]?.()
    expect(shown()).not.toContain('Alarms')
  })

  it('shows the page, HTTP and the record that a domain needs', async () => {
    const more = { SiteUrl: 'https://d1.example', HttpApiUrl: 'https://h.example', DomainTarget: 'd-1.example' }
    const { hooks, shown } = createDeployed({ site: true, http: 'api' }, { ...outputs, ...more })
    await hooks[show]?.()
    expect(shown()).toContain('https://d1.example (the page)')
    expect(shown()).toContain('https://h.example (overHttp)')
    expect(shown()).toContain('Point the record of your domain to d-1.example')
  })

  it('shows nothing of a stack without a line', async () => {
    const { hooks, shown } = createDeployed({}, {})
    await hooks[show]?.()
    expect(shown()).toBe('')
  })
})

describe('the files of a page', () => {
  const settings = { site: { folder: 'page' } }

  it('are put into the bucket by the client of S3, the page itself last', async () => {
    const { stored, config, close } = await startBucket()
    const deployed = createDeployed(
      settings,
      { ...outputs, SiteBucketName: 'pages' },
      { getAwsSdkV3Config: async () => config },
    )
    await deployed.hooks['after:deploy:deploy']?.()
    close()
    expect(stored.map(({ path }) => path).sort()).toEqual([
      ...['/pages/assets/index-DZYgM9_M.js', '/pages/icon.svg', '/pages/index.html'],
    ])
    expect(stored.at(-1)).toEqual({
      ...{
        path: '/pages/index.html',
        type: 'text/html; charset=utf-8',
        cache: 'no-cache',
        body: '<title>Shop</title>',
      },
    })
    expect(stored.find(({ path }) => path.endsWith('.js'))).toMatchObject({
      ...{ type: 'text/javascript; charset=utf-8', cache: 'public, max-age=31536000, immutable' },
    })
  })

  it.each([
    ['index-DZYgM9_M.js', true],
    ['index-B-d4Yq0x.css', true],
    ['chunk-2BXQ7KLP.js', true],
    ['main.8f7a1b2c.chunk.js', false],
    ['main.8f7a1b2c.js', true],
    ['hero-background.png', false],
    ['vendor-framework.js', false],
    ['team-Foto2024.jpg', false],
    ['holiday-IMG_2345.jpg', false],
    ['report-20240101.pdf', false],
    ['font.woff2', false],
  ])('with the name assets/%s are kept for a year: %s', async (name, isKept) => {
    const page = `page-${name}`
    mkdirSync(join(folder, page, 'assets'), { recursive: true })
    for (const path of ['index.html', `assets/${name}`]) writeFileSync(join(folder, page, path), '')
    const sent: { readonly CacheControl?: string }[] = []
    const request = async (_: string, __: string, parameters: object) => sent.push(parameters)
    const deployed = createDeployed({ site: { folder: page } }, { ...outputs, SiteBucketName: 'pages' }, { request })
    await deployed.hooks['after:deploy:deploy']?.()
    expect(sent[0]?.CacheControl).toBe(isKept ? 'public, max-age=31536000, immutable' : 'no-cache')
  })

  it('are put by the provider of the Serverless Framework 3, which has no client', async () => {
    const sent: object[] = []
    const request = async (service: string, method: string, parameters: object) =>
      sent.push({ service, method, ...parameters })
    const deployed = createDeployed(settings, { ...outputs, SiteBucketName: 'pages' }, { request })
    await deployed.hooks['after:deploy:deploy']?.()
    expect(sent.at(-1)).toMatchObject({ service: 'S3', method: 'putObject', Bucket: 'pages', Key: 'index.html' })
  })

  it('are missed before anything is deployed', () => {
    const { hooks } = createDeployed({ site: { folder: 'absent' } }, outputs)
    expect(() => hooks['before:deploy:deploy']?.()).toThrow(
      /Expected custom\.trunkline\.site\.folder to have an index\.html; .*absent has none/,
    )
  })
})
