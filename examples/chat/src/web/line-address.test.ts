import { afterEach, expect, it, vi } from 'vitest'
import { hasHttp } from './line-address.ts'

afterEach(() => {
  vi.unstubAllGlobals()
  vi.unstubAllEnvs()
})

const serve = (addresses: object) => vi.stubGlobal('fetch', async () => Response.json(addresses))

it('a page reaches the line over HTTP where its line.json has the address, and not where it has none', async () => {
  serve({ url: 'wss://a.example/dev', httpUrl: 'https://b.example' })
  expect(await hasHttp()).toBe(true)
  serve({ url: 'wss://a.example/dev' })
  expect(await hasHttp()).toBe(false)
})

it('a page with built-in addresses asks for no line.json', async () => {
  vi.stubGlobal('fetch', () => expect.unreachable())
  vi.stubEnv('VITE_LINE_URL', 'wss://a.example/dev')
  expect(await hasHttp()).toBe(false)
  vi.stubEnv('VITE_LINE_HTTP_URL', 'https://b.example')
  expect(await hasHttp()).toBe(true)
})
