import { request } from 'node:http'
import { fileURLToPath } from 'node:url'
import { createClient, createConnection, iterate } from '@trunkline/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { type DevLine, dev } from '../dev/dev.ts'
import type { AppRouter } from '../testing/entry.suite.ts'
import type { InspectorView } from './view.ts'

const entry = fileURLToPath(new URL('../testing/entry.suite.ts', import.meta.url))
let line: DevLine
let origin: string

beforeAll(async () => {
  line = await dev('.', { entry, port: 0, log: () => {} })
  origin = new URL(line.inspector).origin
})
afterAll(() => line.close())

/** Everything that the inspector has sent so far, merged as the page merges it. */
async function watch() {
  const leave = new AbortController()
  const response = await fetch(`${line.inspector}/events`, { signal: leave.signal })
  const views: InspectorView[] = []
  const done = follow(response, views)
  return {
    last: () => views.at(-1),
    frames: () => views.flatMap(({ frames }) => frames),
    runs: () => views.flatMap(({ runs }) => runs),
    async [Symbol.asyncDispose]() {
      leave.abort()
      await done
    },
  }
}

async function follow(response: Response, views: InspectorView[]): Promise<void> {
  let text = ''
  try {
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const parts = (text + chunk).split('\n\n')
      text = parts.pop() ?? ''
      for (const part of parts) views.push(JSON.parse(part.replace(/^data: /, '')))
    }
  } catch {
    // the viewer disconnected
  }
}

function connect() {
  const connection = createConnection({ url: line.url, WebSocket })
  const close = () => connection.close()
  return { connection, client: createClient<AppRouter>({ connection }), [Symbol.asyncDispose]: close }
}

/** The status of a request with headers that `fetch` would not send. */
function statusOf(path: string, headers: Record<string, string>, body?: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST'
    const sent = request(`${origin}${path}`, { method, headers }, (response) => {
      response.destroy()
      resolve(response.statusCode)
    })
    sent.once('error', reject).end(body)
  })
}

describe('the inspector of a line', () => {
  test('shows connections, frames, topics, runs and cost as they occur', async () => {
    await using seen = await watch()
    await using connected = connect()
    const { client, connection } = connected
    const events = iterate(client.live, { room: 'seen' })
    const first = events.next()
    await client.post.mutate({ room: 'seen', text: 'hello' })
    const offset = Number((await first).value?.id.split(':').at(-1))
    await expect.poll(() => seen.last()?.topics, { timeout: 10_000 }).toMatchObject([{ head: offset, subscribers: 1 }])
    const view = seen.last()
    const topic = view?.topics[0]?.topic
    expect(view?.connections).toMatchObject([
      { principal: null, client: 'ours', state: 'open', subscriptions: [{ topic, path: 'live' }] },
    ])
    const passed = (direction: string, text: string) =>
      seen.frames().filter((frame) => frame.direction === direction && frame.text.includes(text)).length
    expect(passed('in', '"path":"post"')).toBe(1)
    await expect.poll(() => passed('out', '"text":"hello"')).toBeGreaterThan(0)
    await expect.poll(() => seen.runs().map(({ name }) => name)).toContain('tableStream')
    expect(seen.runs()).toContainEqual(expect.objectContaining({ name: 'authorizer', outcome: 'ok' }))
    expect(seen.runs().some(({ initMs }) => initMs !== undefined)).toBe(true)
    expect(seen.runs().some(({ initMs }) => initMs === undefined)).toBe(true)
    const cost = () => new Map(seen.last()?.cost.lines.map((one) => [one.label.split(',')[0], one]))
    await expect.poll(() => cost().get('API Gateway messages of 32 KB')?.used).toBe(seen.frames().length)
    await expect.poll(() => cost().get('Lambda requests')?.used).toBe(seen.runs().length)
    for (const { usdPerHour } of cost().values()) expect(usdPerHour).toBeGreaterThan(0)
    await connection.close()
    await expect.poll(() => seen.last()?.connections).toEqual([])
    expect(seen.last()?.topics).toMatchObject([{ subscribers: 0 }])
  })

  test('counts what each request to the table consumed', async () => {
    await using seen = await watch()
    await using connected = connect()
    const { client } = connected
    await client.hello.query()
    const used = (label: string) => seen.last()?.cost.lines.find((one) => one.label === label)?.used ?? 0
    await expect.poll(() => seen.last()?.connections).toHaveLength(1)
    const before = used('DynamoDB on demand, writes')
    await client.post.mutate({ room: 'counted', text: 'x'.repeat(9_000) }) // a row above 9 KB: at least ten units
    await expect.poll(() => used('DynamoDB on demand, writes')).toBeGreaterThanOrEqual(before + 10)
  })

  test('starts with the activity before the first viewer', async () => {
    await using connected = connect()
    const { client } = connected
    await client.hello.query()
    await using seen = await watch()
    await expect.poll(() => seen.frames().some(({ text }) => text.includes('"hello"'))).toBe(true)
  })

  test('cuts all sockets and delays responses on request', async () => {
    await using seen = await watch()
    await using connected = connect()
    const { client } = connected
    await client.hello.query()
    const act = (fault: object) =>
      fetch(`${line.inspector}/faults`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(fault),
      })
    await expect.poll(() => seen.last()?.connections).toHaveLength(1)
    const [before] = seen.last()?.connections ?? []
    expect((await act({ answerDelayMs: 200 })).status).toBe(204)
    await expect.poll(() => seen.last()?.answerDelayMs).toBe(200)
    expect((await act({ answerDelayMs: 0 })).status).toBe(204)
    expect((await act({ cut: true })).status).toBe(204)
    await client.hello.query()
    await expect
      .poll(() =>
        seen
          .last()
          ?.connections.filter(({ state }) => state === 'open')
          .map(({ id }) => id),
      )
      .not.toContain(before?.id)
    expect((await act({ cut: 'all' })).status).toBe(400)
  })

  test('serves its page, style and script', async () => {
    const text = async (name: string) => (await fetch(`${line.inspector}${name}`)).text()
    expect(await text('')).toContain('<title>Trunkline inspector</title>')
    expect(await text('/styles.css')).toContain('--accent')
    expect(await text('/main.js')).toContain('EventSource')
    expect((await fetch(`${line.inspector}/package.json`)).status).toBe(404)
    expect((await fetch(`${line.inspector}/`, { method: 'DELETE' })).status).toBe(405)
  })

  test.each([
    ['a name that leads here (DNS rebinding)', { host: 'evil.example' }],
    ['this address at another port', { host: '127.0.0.1:1' }],
    ['a page of another origin', { origin: 'https://evil.example' }],
    ['a sandboxed page', { origin: 'null' }],
    ['a script of another site', { 'sec-fetch-site': 'cross-site' }],
    ['a page at another port of this machine', { 'sec-fetch-site': 'same-site' }],
  ])('shows nothing to %s', async (_, headers) => {
    for (const path of ['/_inspector', '/_inspector/events', '/_inspector/main.js'])
      expect(await statusOf(path, headers)).toBe(403)
    const json = { ...headers, 'content-type': 'application/json' }
    expect(await statusOf('/_inspector/faults', json, '{"cut":true}')).toBe(403)
  })

  test('rejects an action from a form', async () => {
    expect(await statusOf('/_inspector/faults', { 'content-type': 'text/plain' }, '{"cut":true}')).toBe(415)
  })
})
