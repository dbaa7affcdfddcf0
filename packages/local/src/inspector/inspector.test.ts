// One file over 200 lines: all tests share one line, whose start takes seconds.

import { request } from 'node:http'
import { iterate } from '@trunkline/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type InspectedDev, startInspected } from './inspector.suite.ts'

let dev: InspectedDev
beforeAll(async () => {
  dev = await startInspected()
})
afterAll(() => dev[Symbol.asyncDispose]())

const patience = { timeout: 20_000 }

/** The status of a request with headers that `fetch` would not send. */
function statusOf(path: string, headers: Record<string, string>, body?: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST'
    const address = `${new URL(dev.line.inspector).origin}${path}`
    const sent = request(address, { method, headers }, (response) => {
      response.destroy()
      resolve(response.statusCode)
    })
    sent.once('error', reject).end(body)
  })
}

/** Subscribes and waits for the beginning. */
function subscribed(
  client: Awaited<ReturnType<InspectedDev['connect']>>['client'],
  path: 'live' | 'join',
  room: string,
) {
  return new Promise<void>((resolve, onError) => {
    const onStarted = () => resolve()
    if (path === 'live') client.room.live.subscribe({ room }, { onStarted, onError })
    else client.room.join.subscribe({ room }, { onStarted, onError })
  })
}

/** The first row of a search, once it is there. */
async function first<K extends 'frames' | 'runs' | 'connections' | 'topics' | 'presence' | 'streams'>(
  name: K,
  search: string,
) {
  await expect.poll(async () => (await dev.list(name, { search })).total, patience).toBeGreaterThan(0)
  const { rows } = await dev.list(name, { search })
  const [row] = rows
  if (row === undefined) throw new Error('expected a row')
  return row
}

describe('frames and runs', () => {
  test('a call leads to its answer, to its run and to what the run wrote', async () => {
    await using connected = dev.connect('ann')
    await connected.client.echo.query({ at: new Date(), count: 7 })
    const call = await first('frames', 'query echo')
    expect(call).toMatchObject({ direction: 'in', type: 'query', path: 'echo' })
    await first('runs', 'echo')
    const opened = await dev.open('frames', call.id)
    expect(JSON.parse(opened.text)).toMatchObject({ method: 'query', params: { path: 'echo' } })
    expect(opened.frames.map(({ direction, type }) => `${direction} ${type}`)).toEqual(['in query', 'out data'])
    const [run] = opened.runs
    expect(run).toMatchObject({ name: 'websocket', cause: 'echo', outcome: 'ok', lines: 1 })
    const item = await dev.open('runs', run?.id ?? '')
    expect(item.output).toEqual([{ stream: 'stdout', text: 'echo 7\n' }])
    expect(item.frames.map(({ id }) => id)).toEqual(opened.frames.map(({ id }) => id))
    expect(item.connectionId).toBe(call.connectionId)
  })

  test('a run has the code of the error that its procedure answered, and its output', async () => {
    await using connected = dev.connect('ann')
    await expect(connected.client.fail.mutate()).rejects.toThrow('There is no such thing.')
    const run = await first('runs', 'fail NOT_FOUND')
    expect(run).toMatchObject({ cause: 'fail', outcome: 'ok', code: 'NOT_FOUND' })
    expect((await dev.open('runs', run.id)).output).toEqual([{ stream: 'stderr', text: 'about to fail\n' }])
    expect(await first('frames', 'error NOT_FOUND')).toMatchObject({ path: 'fail', code: 'NOT_FOUND' })
  })

  test('a long call’s run has the code of the answer that it posted', async () => {
    await using connected = dev.connect('olivia')
    await expect(connected.client.slow.query()).rejects.toThrow('Late.')
    expect(await first('runs', 'worker slow')).toMatchObject({ name: 'worker', cause: 'slow', code: 'CONFLICT' })
  })

  test('are paged: the offsets of a view stay while frames arrive', async () => {
    await using connected = dev.connect('ann')
    for (let n = 1; n <= 5; n++) await connected.client.room.post.mutate({ room: 'paged', text: `number ${n}` })
    const search = 'mutation room.post paged'
    const { rows, total, through } = await dev.list('frames', { search, limit: 2 })
    expect([rows.length, total]).toEqual([2, 5])
    await connected.client.room.post.mutate({ room: 'paged', text: 'number 6' })
    const next = await dev.list('frames', { search, limit: 2, offset: 2, through: through ?? 0 })
    const texts = await Promise.all(next.rows.map(async ({ id }) => (await dev.open('frames', id)).text))
    expect(texts.map((text) => /number \d/.exec(text)?.[0])).toEqual(['number 3', 'number 2'])
    expect((await dev.list('frames', { search })).total).toBe(6)
  })

  test('show no token, and find none', async () => {
    await using connected = dev.connect('top-hush')
    await connected.client.whoami.query()
    expect((await dev.list('frames', { search: 'top-hush' })).rows.every(({ direction }) => direction === 'out')).toBe(
      true,
    )
    const hello = await first('frames', 'hello session')
    expect((await dev.open('frames', hello.id)).text).not.toMatch(/"session":"(?!•)/)
  })
})

describe('connections', () => {
  test('an opened one has its session, claims, expiry and subscriptions', async () => {
    await using connected = dev.connect('carol')
    await subscribed(connected.client, 'live', 'opened')
    const row = await first('connections', 'carol')
    expect(row).toMatchObject({ principal: 'carol', client: 'Trunkline', via: 'socket', state: 'open' })
    await expect
      .poll(async () => (await dev.open('connections', row.id)).subscriptions, patience)
      .toMatchObject([{ path: 'room.live', topic: 'room?room=s:opened' }])
    const item = await dev.open('connections', row.id)
    expect(item.claims).toEqual({ role: 'admin', apiKey: '•••' })
    expect(item.session).toMatch(/^[\w-]{22}$/)
    expect(item.authExpires).toBeGreaterThan(Date.now())
    expect(item.sourceIp).toBe('127.0.0.1')
  })

  test('one is cut alone, and its client comes back', async () => {
    await using dan = dev.connect('dan')
    await using eve = dev.connect('eve')
    await Promise.all([dan.client.whoami.query(), eve.client.whoami.query()])
    const [cut, kept] = [await first('connections', 'dan'), await first('connections', 'eve')]
    expect(await dev.act({ action: 'cut', connection: cut.id })).toEqual({ words: '1 socket cut.' })
    expect(await dan.client.whoami.query()).toBe('dan')
    expect((await first('connections', 'eve')).id).toBe(kept.id)
    await expect(dev.act({ action: 'cut', connection: 'unknown' })).rejects.toThrow('404 Expected the id of an open')
  })

  test('one is kicked alone, with a reason', async () => {
    await using connected = dev.connect('frank')
    await connected.client.whoami.query()
    const { id } = await first('connections', 'frank')
    expect(await dev.act({ action: 'kick', connection: id, reason: 'Enough.' })).toEqual({
      words: '1 connection kicked.',
    })
    await expect.poll(() => connected.connection.state, patience).toMatchObject({ status: 'closed' })
    expect(JSON.stringify(connected.connection.state)).toContain('Enough.')
  })

  test('a token expires, and its client renews it', async () => {
    await using connected = dev.connect('grace')
    await connected.client.whoami.query()
    const { id } = await first('connections', 'grace')
    const before = (await dev.open('connections', id)).authExpires ?? 0
    expect(await dev.act({ action: 'expireToken', connection: id })).toEqual({ words: '1 token expired.' })
    await expect
      .poll(async () => (await dev.open('connections', id)).authExpires, patience)
      .toBeLessThan(before - 60_000)
    expect(await connected.client.whoami.query()).toBe('grace')
    const item = await dev.open('connections', id)
    expect(item.renewedAt).toBeGreaterThan(0)
    expect(item.authExpires).toBeGreaterThanOrEqual(before)
    expect((await first('frames', `${id} AUTH_EXPIRED`)).direction).toBe('out')
  })

  test('two hours: the client gets the notice and moves to another socket', async () => {
    await using connected = dev.connect('heidi')
    await connected.client.whoami.query()
    const { id } = await first('connections', 'heidi')
    await dev.act({ action: 'twoHours', connection: id })
    await expect.poll(async () => (await first('connections', 'heidi')).id, patience).not.toBe(id)
    expect(await connected.client.whoami.query()).toBe('heidi')
  })
})

describe('topics, presence and streams', () => {
  test('an opened topic has its events by page, and its subscribers', async () => {
    await using connected = dev.connect('ivan')
    await subscribed(connected.client, 'live', 'long')
    const row = await first('topics', 'room=s:long')
    for (let n = 1; n <= 51; n++) await connected.client.room.post.mutate({ room: 'long', text: `text ${n}` })
    await expect.poll(async () => (await first('topics', 'room=s:long')).head, patience).toBeGreaterThan(50)
    const topic = await dev.open('topics', row.id)
    expect(topic).toMatchObject({ channel: 'room', key: { room: 'long' }, subscribers: 1 })
    expect(topic.subscriptions).toMatchObject([{ path: 'room.live' }])
    expect(topic.events).toHaveLength(50)
    expect(JSON.parse(topic.events[0]?.data ?? '')).toEqual({ type: 'said', text: 'text 51' })
    const older = await dev.open('topics', row.id, { before: topic.before ?? 0 })
    expect(JSON.parse(older.events[0]?.data ?? '')).toEqual({ type: 'said', text: 'text 1' })
  })

  test('a published event reaches the subscribers; one that the schema refuses does not', async () => {
    await using connected = dev.connect('ann')
    await subscribed(connected.client, 'live', 'published')
    const events = iterate(connected.client.room.live, { room: 'published' })
    const next = events.next()
    const publish = { action: 'publish', channel: 'room', key: { room: 'published' } } as const
    await expect(dev.act({ ...publish, data: { type: 'said', text: 7 } })).rejects.toThrow(/^400 Cannot publish/)
    const { words } = await dev.act({ ...publish, data: { type: 'said', text: 'from the page' } })
    expect(words).toMatch(/^Published as \S+:\d+\.$/)
    expect((await next).value?.data).toEqual({ type: 'said', text: 'from the page' })
    await expect(dev.act({ ...publish, channel: 'none', data: {} })).rejects.toThrow('Expected the name of a channel')
    await expect(dev.act({ ...publish, channel: 'here', data: { away: true } })).rejects.toThrow('a presence')
    const typing = { ...publish, channel: 'typing', data: { who: 'ann' } }
    expect((await dev.act(typing)).words).toBe('Published. An ephemeral event has no id.')
  })

  test('an event of a channel with partitions is published to the partition of its key', async () => {
    const publish = { action: 'publish', channel: 'votes', key: { room: 'parted' } } as const
    for (const by of ['ann', 'bob', 'carol', 'dan', 'eve', 'frank', 'ann']) await dev.act({ ...publish, data: { by } })
    await expect.poll(async () => (await dev.list('topics', { search: 'parted' })).total, patience).toBeGreaterThan(1)
    const { rows } = await dev.list('topics', { search: 'parted' })
    const logs = await Promise.all(rows.map(({ id }) => dev.open('topics', id)))
    expect(logs.every(({ channel, key }) => channel === 'votes' && key?.['room'] === 'parted')).toBe(true)
    const ofAnn = logs.filter(({ events }) => events.some(({ data }) => data?.includes('ann')))
    expect(ofAnn).toHaveLength(1)
  })

  test('a presence has its members with their data and sessions', async () => {
    await using connected = dev.connect('judy')
    await subscribed(connected.client, 'join', 'presence')
    const row = await first('presence', 'room=s:presence')
    expect(row).toMatchObject({ channel: 'here', members: 1 })
    const { people } = await dev.open('presence', row.id)
    expect(people).toMatchObject([{ member: 'judy', data: '{"away":false}', sessions: [{ leaving: false }] }])
  })

  test('a stream has its state, its outcome and its chunks', async () => {
    await using connected = dev.connect('karl')
    await connected.client.room.ask.mutate({ room: 'stream' })
    const row = await first('streams', 'closed room=s:stream')
    expect(row).toMatchObject({ channel: 'answers', state: 'closed', outcome: 'done', chunks: 2 })
    expect(await dev.open('streams', row.id)).toMatchObject({ tries: 0 })
  })
})

describe('procedures', () => {
  test('are listed with the schemas of their inputs, and channels with theirs', async () => {
    const { rows } = await dev.list('procedures')
    expect(rows.map(({ id }) => id)).toEqual([
      ...['echo', 'fail', 'nothing', 'room.ask', 'room.join', 'room.live', 'room.post', 'slow', 'whoami'],
    ])
    expect((await dev.list('procedures', { search: 'longrunning' })).rows).toMatchObject([{ id: 'slow' }])
    const { input } = await dev.open('procedures', 'echo')
    expect(input).toMatchObject({
      properties: { at: { type: 'string', format: 'date-time' }, count: { type: 'integer', minimum: 1 } },
      required: ['at', 'count'],
    })
    expect((await dev.list('channels')).rows).toMatchObject([
      { id: 'answers', kind: 'stream' },
      { id: 'here', kind: 'presence' },
      { id: 'room', kind: 'log', retentionMs: 86_400_000 },
      { id: 'typing', kind: 'ephemeral' },
      { id: 'votes', kind: 'log' },
    ])
  })

  test('are called through the transformer, with a token, without one, or as an open connection', async () => {
    const anonymous = { kind: 'anonymous' } as const
    const ann = { kind: 'token', token: 'ann' } as const
    const input = { at: '2026-01-02T03:04:05.000Z', count: 3 }
    const echo = await dev.act({ action: 'call', path: 'echo', input, caller: ann })
    expect(JSON.parse(echo.data ?? '')).toEqual({ ...input, isDate: true })
    expect((await first('runs', `${echo.connectionId} echo`)).cause).toBe('echo')
    const whoami = { action: 'call', path: 'whoami' } as const
    expect((await dev.act({ ...whoami, caller: anonymous })).words).toContain('UNAUTHORIZED')
    expect((await dev.act({ ...whoami, caller: { kind: 'token', token: 'liz' } })).data).toBe('"liz"')
    await using connected = dev.connect('mallory')
    await connected.client.whoami.query()
    const { id } = await first('connections', 'mallory')
    expect((await dev.act({ ...whoami, caller: { kind: 'connection', connection: id } })).data).toBe('"mallory"')
  })

  test('a call that nobody waits for any more is cancelled, and its connection closed', async () => {
    await dev.act({ action: 'fault', point: 'answer', effect: 'delay', delayMs: 600_000, path: 'whoami', times: 1 })
    const leave = new AbortController()
    const call = { action: 'call', path: 'whoami', caller: { kind: 'token', token: 'zoe' } }
    const headers = { 'content-type': 'application/json' }
    const answer = dev.request('act', { method: 'POST', headers, body: JSON.stringify(call), signal: leave.signal })
    const open = async () => (await dev.list('connections', { search: 'zoe' })).total
    await expect.poll(open, patience).toBe(1)
    leave.abort()
    await expect(answer).rejects.toThrow()
    await expect.poll(open, patience).toBe(0)
    await dev.act({ action: 'clearFaults' })
  })

  test('an answer without a value has no data', async () => {
    const { words, data } = await dev.act({ action: 'call', path: 'nothing', caller: { kind: 'token', token: 'ann' } })
    expect([words, data]).toEqual(['Answered without a value.', undefined])
  })

  test('an error is an answer: its words have the code', async () => {
    const caller = { kind: 'token', token: 'ann' } as const
    const failed = await dev.act({ action: 'call', path: 'fail', caller })
    expect(failed).toMatchObject({ words: 'NOT_FOUND: There is no such thing.', failed: true })
    const invalid = await dev.act({ action: 'call', path: 'echo', input: { count: 0 }, caller })
    expect(invalid).toMatchObject({ words: expect.stringContaining('BAD_REQUEST'), failed: true })
    await expect(dev.act({ action: 'call', path: 'none', caller })).rejects.toThrow('404 Expected the path of a')
  })

  test('a subscription shows its events as frames until it is stopped', async () => {
    const caller = { kind: 'token', token: 'nina' } as const
    const { connectionId = '' } = await dev.act({
      ...{ action: 'call', path: 'room.live', input: { room: 'called' } },
      caller,
    } as const)
    await dev.act({
      ...{ action: 'publish', channel: 'room', key: { room: 'called' }, data: { type: 'left', at: 1 } },
    } as const)
    expect(await first('frames', `${connectionId} data left`)).toMatchObject({ path: 'room.live' })
    expect(await dev.act({ action: 'stop', connection: connectionId })).toEqual({ words: 'Stopped.' })
    await expect.poll(async () => (await dev.list('connections', { search: 'nina' })).total, patience).toBe(0)
    await expect(dev.act({ action: 'stop', connection: connectionId })).rejects.toThrow('404')
  })
})

describe('faults', () => {
  test('every fault of every point can be added, and is removed', async () => {
    const { faults } = await dev.capabilities()
    expect(Object.keys(faults?.points ?? {})).toContain('frozen')
    for (const [point, effects] of Object.entries(faults?.points ?? {}))
      for (const effect of effects)
        await dev.act({ action: 'fault', point, effect, path: 'nothing', ...(effect === 'delay' && { delayMs: 1 }) })
    const active = (await dev.status()).faults
    expect(active).toHaveLength(Object.values(faults?.points ?? {}).flat().length)
    await dev.act({ action: 'clearFault', id: active[0]?.id ?? 0 })
    expect((await dev.status()).faults).toHaveLength(active.length - 1)
    await dev.act({ action: 'clearFaults' })
    expect((await dev.status()).faults).toEqual([])
    await expect(dev.act({ action: 'fault', point: 'stream', effect: 'hang' })).rejects.toThrow(
      '400 Expected an effect',
    )
    await expect(dev.act({ action: 'fault', point: 'push', effect: 'delay' })).rejects.toThrow('400 Expected delayMs')
  })

  test('one applies to a connection alone, as often as asked, and then ends', async () => {
    await using oscar = dev.connect('oscar')
    await using peggy = dev.connect('peggy')
    await Promise.all([oscar.client.whoami.query(), peggy.client.whoami.query()])
    const { id } = await first('connections', 'oscar')
    await dev.act({ action: 'fault', point: 'frame', effect: 'fail', times: 1, connection: id })
    expect(await peggy.client.whoami.query()).toBe('peggy')
    expect((await dev.status()).faults).toMatchObject([{ hits: 0, words: `frame: fail, connection ${id}, 1 ×` }])
    await oscar.client.whoami.query().catch(() => {}) // the client may send it again
    await expect.poll(async () => (await dev.status()).faults, patience).toEqual([])
  })

  test('the next run is killed, and the running invocations of a function', async () => {
    await using connected = dev.connect('ann')
    await dev.act({ action: 'fault', point: 'function', effect: 'fail', times: 1, path: 'fail' })
    await connected.client.fail.mutate().catch(() => {})
    expect(await first('runs', 'fail fault rule')).toMatchObject({ outcome: 'error' })
    expect((await dev.act({ action: 'killRuns', function: 'worker' })).words).toContain('worker are killed')
    await expect(dev.act({ action: 'killRuns', function: 'none' })).rejects.toThrow('400 Expected a function')
  })

  test('the clock moves', async () => {
    const { now } = await dev.status()
    await dev.act({ action: 'advance', ms: 60_000 })
    expect((await dev.status()).now).toBeGreaterThanOrEqual(now + 60_000)
  })
})

describe('the interface', () => {
  test('counts what happens, and what it costs', async () => {
    await using connected = dev.connect('ann')
    await connected.client.room.post.mutate({ room: 'counted', text: 'x'.repeat(300) })
    const { lists, cost } = await dev.status()
    expect(lists.frames?.total).toBe(lists.frames?.version)
    expect(lists.procedures).toMatchObject({ total: 9 })
    const used = new Map(cost?.lines.map((line) => [line.label.split(',')[0], line.used]))
    expect(used.get('API Gateway messages of 32 KB')).toBeGreaterThanOrEqual(lists.frames?.version ?? 0)
    expect(used.get('Lambda requests')).toBe(lists.runs?.version)
    expect(used.get('DynamoDB on demand')).toBeGreaterThan(0)
  })

  test.each([
    ['list/none', 404],
    ['list/frames?limit=201', 400],
    ['list/frames?offset=-1', 400],
    ['list/frames?limit=x', 400],
    ['open/frames', 400],
    ['open/frames?id=0', 404],
    ['open/runs?id=x', 404],
    ['open/procedures?id=none', 404],
    ['package.json', 404],
    ['act', 405],
  ])('answers %s with %i', async (path, status) => {
    const response = await dev.request(path)
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ message: expect.any(String) })
  })

  test.each([
    ['no JSON', 'no'],
    ['an unknown action', '{"action":"none"}'],
    ['an unknown member', '{"action":"cut","all":true}'],
    ['a reason that is missing', '{"action":"kick","connection":"a"}'],
    ['a duration that is too long', '{"action":"advance","ms":1e15}'],
  ])('refuses %s with 400', async (_, body) => {
    const headers = { 'content-type': 'application/json' }
    expect((await dev.request('act', { method: 'POST', headers, body })).status).toBe(400)
  })

  test('serves its page, style and script, and no other method', async () => {
    const text = async (name: string) => (await dev.request(name)).text()
    expect(await (await fetch(dev.line.inspector)).text()).toContain('<title>Trunkline inspector</title>')
    expect(await text('styles.css')).toContain('--accent')
    expect(await text('main.js')).toContain('EventSource')
    expect((await dev.request('capabilities', { method: 'DELETE' })).status).toBe(405)
  })

  test.each([
    ['a name that leads here (DNS rebinding)', { host: 'evil.example' }],
    ['this address at another port', { host: '127.0.0.1:1' }],
    ['a page of another origin', { origin: 'https://evil.example' }],
    ['a sandboxed page', { origin: 'null' }],
    ['a script of another site', { 'sec-fetch-site': 'cross-site' }],
    ['a page at another port of this machine', { 'sec-fetch-site': 'same-site' }],
  ])('shows nothing to %s', async (_, headers) => {
    const names = ['', '/updates', '/capabilities', '/list/frames', '/open/frames?id=1', '/main.js']
    for (const name of names) expect(await statusOf(`/_inspector${name}`, headers)).toBe(403)
    const json = { ...headers, 'content-type': 'application/json' }
    expect(await statusOf('/_inspector/act', json, '{"action":"cut"}')).toBe(403)
  })

  test('rejects an action from a form, and one that is too large', async () => {
    expect(await statusOf('/_inspector/act', { 'content-type': 'text/plain' }, '{"action":"cut"}')).toBe(415)
    const large = JSON.stringify({ action: 'publish', channel: 'room', key: {}, data: 'x'.repeat(1_100_000) })
    expect(await statusOf('/_inspector/act', { 'content-type': 'application/json' }, large)).toBe(413)
  })
})
