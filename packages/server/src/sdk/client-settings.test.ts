import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { describe, expect, it } from 'vitest'
import { httpSettings, onFirstUse, RegionMissingError, requireRegion } from './client-settings.ts'
import { createAgents } from './keep-alive.ts'

describe('an adapter of an AWS service', () => {
  it.each(['dynamodb/store', 'apigateway/gateway', 'invoker/invoker', 'invoker/queue-invoker'])(
    '%s imports the SDK only dynamically, in a module of its own',
    async (name) => {
      const { metafile } = await build({
        entryPoints: [fileURLToPath(new URL(`../${name}.ts`, import.meta.url))],
        ...{ bundle: true, splitting: true, outdir: 'out', packages: 'external', format: 'esm' },
        ...{ platform: 'node', write: false, metafile: true },
      })
      const outputs = Object.values(metafile.outputs)
      const ofSdk = (imports: readonly { readonly path: string; readonly kind: string }[]) =>
        imports.filter(({ path }) => path.startsWith('@aws-sdk/') || path.startsWith('@smithy/'))
      const entry = outputs.find(({ entryPoint }) => entryPoint?.endsWith(`${name}.ts`))
      const loaded = outputs.filter(({ entryPoint }) => entryPoint?.endsWith('sdk.ts'))
      expect(ofSdk(outputs.filter((output) => !loaded.includes(output)).flatMap(({ imports }) => imports))).toEqual([])
      const dynamic = entry?.imports.filter(({ kind }) => kind === 'dynamic-import').map(({ path }) => path)
      expect(dynamic).toContainEqual(expect.stringMatching(/\bsdk\b/))
      expect(ofSdk(loaded.flatMap(({ imports }) => imports)).map(({ kind }) => kind)).toContain('import-statement')
    },
  )
})

describe('the HTTP settings of every AWS client', () => {
  it('limit the connection and the response, fail at the limit, and keep sockets alive', () => {
    const agents = createAgents({ sockets: 5 })
    const settings = httpSettings({ requestTimeoutMs: 1_500, agents })
    const agent = { keepAlive: true, maxSockets: 5 }
    const bounds = { connectionTimeout: 1_000, requestTimeout: 1_500, throwOnRequestTimeout: true }
    expect(settings).toEqual({ ...bounds, ...agents })
    expect(settings).toMatchObject({ httpAgent: agent, httpsAgent: agent })
    expect(httpSettings({ requestTimeoutMs: 40, agents }).connectionTimeout).toBe(40)
  })
})

describe('a client that is created on first use', () => {
  it('is created once for concurrent calls', async () => {
    let made = 0
    const use = onFirstUse(async () => ++made)
    expect(await Promise.all([use(), use(), use()])).toEqual([1, 1, 1])
  })
  it('is created again after a failure', async () => {
    let tries = 0
    const use = onFirstUse(async () => {
      tries += 1
      if (tries === 1) throw new Error('not yet')
      return tries
    })
    await expect(use()).rejects.toThrow('not yet')
    expect(await use()).toBe(2)
  })
  it('needs a region', async () => {
    const without = { config: { region: async () => Promise.reject(new Error('Region is missing')) } }
    await expect(requireRegion(without)).rejects.toBeInstanceOf(RegionMissingError)
    await requireRegion({ config: { region: async () => 'eu-central-1' } })
  })
})
