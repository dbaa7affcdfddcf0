import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serveInspector } from './serve-inspector.ts'

let served: Awaited<ReturnType<typeof serveInspector>>
beforeAll(async () => {
  served = await serveInspector(({ url }, response) => {
    if (!url?.startsWith('/_inspector')) return false
    response.end(`the page at ${url}`)
    return true
  })
})
afterAll(() => served.close())

interface Answer {
  readonly status: number | undefined
  readonly text: string
  readonly cookie: string | undefined
  readonly location: string | undefined
}

/** A request with exactly these headers, which `fetch` would not send. */
function get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const { host } = new URL(served.address)
  return new Promise((resolve, reject) => {
    const sent = request(`http://${host}${path}`, { headers: { host, ...headers } }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      const [cookie] = response.headers['set-cookie'] ?? []
      response.on('end', () =>
        resolve({ status: response.statusCode, text, cookie, location: response.headers.location }),
      )
    })
    sent.on('error', reject).end()
  })
}

const opened = () => new URL(served.address).pathname + new URL(served.address).search

describe('the server of the inspector of a stage', () => {
  it('gives the page to who opens its address', async () => {
    const first = await get(opened())
    expect(first).toMatchObject({ status: 303, location: '/_inspector' })
    expect(first.cookie).toMatch(/; HttpOnly; SameSite=Strict; Path=\/$/)
    const [cookie = ''] = first.cookie?.split(';') ?? []
    expect(await get('/_inspector/status', { cookie: `a=b; ${cookie}` })).toMatchObject({
      status: 200,
      text: 'the page at /_inspector/status',
    })
    expect((await get('/favicon.ico', { cookie })).status).toBe(404)
  })

  it('refuses a request without the token, or with another one', async () => {
    for (const path of ['/', '/_inspector', '/_inspector/list/runs', '/?token=', '/?token=guessed'])
      expect([path, (await get(path)).status]).toEqual([path, 401])
    const [name] = (await get(opened())).cookie?.split('=') ?? []
    expect((await get('/_inspector', { cookie: `${name}=guessed` })).status).toBe(401)
    expect((await get('/_inspector', { cookie: `${name}` })).status).toBe(401)
  })

  it('answers 400 for a path that is none', async () => {
    expect((await get('//')).status).toBe(400)
  })

  it('refuses another host, which a foreign name that leads to this machine would have', async () => {
    const { port } = new URL(served.address)
    for (const host of [`evil.example:${port}`, 'evil.example', `127.0.0.1.evil.example:${port}`])
      expect([host, (await get(opened(), { host })).status]).toEqual([host, 403])
  })

  it('refuses pages of other sites, also with the token', async () => {
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
      { 'sec-fetch-site': 'same-site' },
    ])
      expect([headers, (await get(opened(), headers)).status]).toEqual([headers, 403])
  })

  it('listens on the loopback only, at an address with a token of its own', async () => {
    const other = await serveInspector(() => false)
    expect(new URL(served.address).hostname).toBe('127.0.0.1')
    expect(new URL(other.address).searchParams.get('token')).toMatch(/^[\w-]{32}$/)
    expect(new URL(other.address).searchParams.get('token')).not.toBe(new URL(served.address).searchParams.get('token'))
    const port = Number(new URL(other.address).port)
    await expect(serveInspector(() => false, port)).rejects.toMatchObject({ code: 'EADDRINUSE' })
    await other.close()
  })
})
