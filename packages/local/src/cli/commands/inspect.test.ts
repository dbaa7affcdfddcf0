import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { runTrunkline } from '../../testing/command-line.suite.ts'

const endpoint = 'http://127.0.0.1:1' // nothing answers there: the page says so, and is served
const deployed = {
  TRUNKLINE_TABLE: 'shop',
  TRUNKLINE_DELIVER: 'shop-prod-deliver',
  AWS_REGION: 'eu-west-1',
  AWS_ACCESS_KEY_ID: 'k',
  AWS_SECRET_ACCESS_KEY: 's',
  AWS_ENDPOINT_URL: endpoint,
  AWS_MAX_ATTEMPTS: '1',
}
const addressIn = (out: string) => /http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]+/.exec(out)?.[0]

beforeEach(() => {
  for (const [name, value] of Object.entries(deployed)) vi.stubEnv(name, value)
})
afterEach(() => vi.unstubAllEnvs())

describe('trunkline inspect', () => {
  it('serves the page at the address that it prints, until it is interrupted', async () => {
    const interrupted = new AbortController()
    let running: ReturnType<typeof runTrunkline> | undefined
    const address = await new Promise<string>((resolve) => {
      const onOut = (printed: string) => {
        const found = addressIn(printed)
        if (found !== undefined) resolve(found)
      }
      running = runTrunkline(['inspect'], { interrupted: interrupted.signal, onOut })
    })
    const opened = await fetch(address, { redirect: 'manual' })
    const cookie = opened.headers.get('set-cookie')?.split(';')[0] ?? ''
    const page = new URL(opened.headers.get('location') ?? '', address)
    const html = await (await fetch(page, { headers: { cookie } })).text()
    expect(html).toContain('<title>Trunkline inspector</title>')
    const capabilities = await (await fetch(`${page}/capabilities`, { headers: { cookie } })).json()
    expect(capabilities).toMatchObject({ source: { kind: 'stage', name: 'shop' }, actions: [], cost: false })
    const action = { method: 'POST', body: '{"action":"cut"}', headers: { cookie, 'content-type': 'application/json' } }
    expect((await fetch(`${page}/act`, action)).status).toBe(404)
    expect((await fetch(page)).status).toBe(401)
    interrupted.abort()
    const { code, out = '', err } = (await running) ?? {}
    expect([code, out.trim()]).toEqual([0, `shop: ${address}`])
    expect(err).toContain('Ctrl-C ends it.')
    expect(err).toContain('cloudwatch:GetMetricData failed')
    await expect(fetch(page)).rejects.toThrow('fetch failed')
  })

  it('says that its port is in use', async () => {
    const { createServer } = await import('node:http')
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : 0
    const { code, err } = await runTrunkline(['inspect', '--port', String(port)])
    await new Promise((resolve) => server.close(resolve))
    expect([code, err]).toEqual([1, expect.stringContaining(`Port ${port} is in use. Name another port`)])
  })

  it('prints the address of the inspector of a local line', async () => {
    vi.stubEnv('AWS_REGION', 'local-1')
    vi.stubEnv('TRUNKLINE_CALLBACK_URL', 'http://127.0.0.1:4400/dev')
    const { code, out } = await runTrunkline(['inspect', '--json'])
    expect([code, JSON.parse(out)]).toEqual([0, { address: 'http://127.0.0.1:4400/_inspector' }])
  })
})
