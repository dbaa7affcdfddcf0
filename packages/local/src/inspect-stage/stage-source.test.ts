// More than 200 lines: the whole interface of the inspector, on one stage.

import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { deployedFunctions } from '../doctor/aws-endpoint.suite.ts'
import type { ListQuery } from '../inspector/data-source.ts'
import { type InspectedStage, startInspectedStage, topic } from './stage.suite.ts'
import { StageSource } from './stage-source.ts'

const dayMs = 86_400_000

let stage: InspectedStage['stage']
let account: InspectedStage['account']
let end: () => PromiseLike<void>
beforeAll(async () => {
  const inspected = await startInspectedStage()
  stage = inspected.stage
  account = inspected.account
  end = () => inspected[Symbol.asyncDispose]()
})
afterAll(() => end())
afterEach(() => {
  account.requests.length = 0
  account.deniedToMe.clear()
  account.logs.clear()
})

const createSource = async (now = Date.now, onProblem = (_: string) => {}) =>
  new StageSource({ stage, store: (await stage.backend()).store }, { now, onProblem })
const asked = (search: string, more: Partial<ListQuery> = {}): ListQuery => ({ search, offset: 0, limit: 100, ...more })
const targets = () => account.requests.map(({ target }) => target.split('.')[1])

describe('the inspector of a stage', () => {
  it('is read-only, and says for which lists something must be searched', async () => {
    const source = await createSource()
    const { source: shown, lists, actions } = await source.capabilities()
    expect([shown, actions]).toEqual([{ kind: 'stage', name: 'shop-prod' }, []])
    expect('act' in source).toBe(false)
    expect(lists.map(({ name, searchFor }) => [name, searchFor !== undefined])).toEqual([
      ['runs', false],
      ['connections', true],
      ['topics', true],
      ['presence', true],
      ['streams', true],
    ])
  })

  it('reads nothing of the table for a list without a search, and never scans', async () => {
    const source = await createSource()
    await source.capabilities()
    for (const name of ['connections', 'topics', 'presence', 'streams', 'frames', 'procedures'] as const)
      expect(await source.list(name, asked(''))).toEqual({ rows: [], total: 0 })
    expect(targets().filter((name) => name !== 'GetMetricData')).toEqual([])
    await source.list('connections', asked('ann'))
    await source.list('topics', asked(topic))
    await source.list('topics', asked('chat'))
    expect(targets()).not.toContain('Scan')
    expect(new Set(account.requests.map(({ target }) => target).filter((each) => each.startsWith('DynamoDB')))).toEqual(
      new Set(['DynamoDB_20120810.Query', 'DynamoDB_20120810.GetItem']),
    )
  })

  it('writes nothing', async () => {
    const source = await createSource()
    await source.capabilities()
    const { rows } = await source.list('connections', asked('ann'))
    await source.open('connections', rows[0]?.id ?? '', {})
    for (const list of ['topics', 'presence', 'streams'] as const) await source.open(list, topic, {})
    expect(targets().filter((name) => /Put|Update|Delete|Write/.test(name ?? ''))).toEqual([])
  })
})

describe('connections', () => {
  it('are found by their principal and by their id', async () => {
    const source = await createSource()
    const byPrincipal = await source.list('connections', asked('ann'))
    expect(byPrincipal).toMatchObject({
      total: 1,
      rows: [{ principal: 'ann', client: 'Trunkline', via: 'socket', state: 'open' }],
    })
    const id = byPrincipal.rows[0]?.id ?? ''
    expect(await source.list('connections', asked(id))).toEqual(byPrincipal)
    expect(await source.list('connections', asked('nobody'))).toEqual({ rows: [], total: 0 })
    expect(await source.list('connections', asked('AAAAAAAAAAAAAAA='))).toEqual({ rows: [], total: 0 })
  })

  it('show who is connected and to what, without the secret session or secret claims', async () => {
    const source = await createSource()
    const { rows } = await source.list('connections', asked('ann'))
    const opened = await source.open('connections', rows[0]?.id ?? '', {})
    expect(opened).toMatchObject({
      principal: 'ann',
      state: 'open',
      sourceIp: expect.stringContaining('127.0.0.1'),
      lastActiveAt: expect.any(Number),
      authExpires: expect.any(Number),
      claims: { mail: 'ann@example.com' },
    })
    expect(opened?.session).toMatch(/^[\w-]{22}$/)
    expect(opened?.subscriptions.map(({ topic: name, path }) => `${path} ${name}`).sort()).toEqual([
      'here chat.here?room=s:7',
      `live ${topic}`,
    ])
    expect(JSON.stringify(opened)).not.toContain('hunter2')
  })

  it('are undefined when they are gone', async () => {
    expect(await (await createSource()).open('connections', 'AAAAAAAAAAAAAAA=', {})).toBeUndefined()
  })
})

describe('topics, presences and streams', () => {
  it('are found by their whole name', async () => {
    const source = await createSource()
    expect(await source.list('topics', asked(` ${topic} `))).toEqual({
      rows: [{ id: topic, channel: 'chat.messages', head: 61, subscribers: 2 }],
      total: 1,
    })
    expect(await source.list('topics', asked('chat.messages?room=s:8'))).toEqual({ rows: [], total: 0 })
    expect(await source.list('presence', asked('chat.here?room=s:7'))).toEqual({
      rows: [{ id: 'chat.here?room=s:7', channel: 'chat.here', members: 1 }],
      total: 1,
    })
    expect(await source.list('streams', asked(topic))).toEqual({ rows: [], total: 0 })
  })

  it('show the events of a topic page by page, newest first, without secrets', async () => {
    const source = await createSource()
    const newest = await source.open('topics', topic, {})
    expect(newest?.key).toEqual({ room: '7' })
    expect(newest?.events.map(({ offset }) => offset)).toEqual(Array.from({ length: 50 }, (_, index) => 61 - index))
    expect(newest?.events[0]?.data).toContain('message 60')
    expect(JSON.stringify(newest)).not.toContain('secret-token')
    expect(newest?.subscriptions.map(({ path }) => path)).toEqual(['live', 'live'])
    const older = await source.open('topics', topic, { before: newest?.before ?? 0 })
    expect(older?.events.map(({ offset }) => offset)).toEqual(Array.from({ length: 11 }, (_, index) => 11 - index))
    expect(older).not.toHaveProperty('before')
    expect(older?.events.at(-1)).not.toHaveProperty('data') // the slot that only begins the epoch
  })

  it('show the members of a presence', async () => {
    const opened = await (await createSource()).open('presence', 'chat.here?room=s:7', {})
    expect(opened?.people).toMatchObject([{ member: 'ann', data: '{"mood":"fine"}', sessions: [{ leaving: false }] }])
  })

  it('name the action that the credentials lack', async () => {
    const source = await createSource()
    account.deniedToMe.add('dynamodb:Query')
    await expect(source.list('topics', asked(topic))).rejects.toMatchObject({
      name: 'InspectorError',
      status: 502,
      message: expect.stringMatching(/may not call dynamodb:Query|dynamodb:Query failed/),
    })
  })
})

describe('runs of functions', () => {
  const now = Date.UTC(2026, 10, 30, 20)
  const log = (name: string, minutesAgo: number, ...texts: readonly string[]) => {
    const group = `/aws/lambda/shop-prod-${name}`
    const at = now - minutesAgo * 60_000
    const events = texts.map((message, index) => ({ timestamp: at + index, message, logStreamName: 's' }))
    account.logs.set(
      group,
      [...(account.logs.get(group) ?? []), ...events].sort((a, b) => a.timestamp - b.timestamp),
    )
  }
  const run = (id: string, ...texts: readonly string[]) => [
    `START RequestId: ${id} Version: $LATEST`,
    ...texts,
    `REPORT RequestId: ${id}\tDuration: 5.00 ms\tBilled Duration: 5 ms\t`,
  ]

  it('are those of the last five minutes, newest first, of all functions, and are searched by words', async () => {
    log('websocket', 4, ...run('a', '{"path":"post","level":"WARN","message":"slow"}'))
    log('worker', 2, ...run('b', '{"path":"answer","code":"TIMEOUT","level":"ERROR","message":"late"}'))
    log('websocket', 30, ...run('old'))
    const source = await createSource(() => now)
    const { rows, total, unread } = await source.list('runs', asked(''))
    expect(total).toBe(2)
    expect(rows.map(({ name, cause, code }) => [name, cause, code])).toEqual([
      ['worker', 'answer', 'TIMEOUT'],
      ['websocket', 'post', undefined],
    ])
    expect(unread).toBe('The logs of the last 5 minutes were read. Reading on reads those of the last 15 minutes.')
    expect((await source.list('runs', asked('late answer'))).rows).toHaveLength(1)
    const opened = await source.open('runs', rows[0]?.id ?? '', {})
    expect(opened).toMatchObject({
      requestId: 'b',
      output: [{ stream: 'stderr', text: expect.stringContaining('late') }],
    })
    expect(source.status().lists.runs).toEqual({ total: 2, version: 2 })
  })

  it('of earlier times are read only when the page asks for more', async () => {
    log('websocket', 10, ...run('a'))
    log('websocket', 200, ...run('b'))
    const source = await createSource(() => now)
    expect((await source.list('runs', asked(''))).total).toBe(0)
    expect((await source.list('runs', asked('', { more: true }))).total).toBe(1)
    expect((await source.list('runs', asked('', { more: true }))).total).toBe(1)
    const { total, unread } = await source.list('runs', asked('', { more: true }))
    expect([total, unread]).toEqual([
      2,
      'The logs of the last 4 hours were read. Reading on reads those of the last 24 hours.',
    ])
    const reads = account.requests.map(({ text }) => JSON.parse(text || '{}')).filter(({ startTime }) => startTime)
    expect(Math.min(...reads.map(({ startTime }) => startTime))).toBe(now - dayMs / 6)
  })

  it('that are on the border of two reads are whole', async () => {
    let time = now
    log('websocket', 0, 'START RequestId: c Version: $LATEST')
    const source = await createSource(() => time)
    time += 1
    expect((await source.list('runs', asked(''))).total).toBe(0)
    time += 60_000
    log('websocket', -1, 'REPORT RequestId: c\tDuration: 5.00 ms\t')
    time += 1
    expect((await source.list('runs', asked(''))).total).toBe(1)
  })

  it('whose lines come late, or are asked for twice at once, have each line once', async () => {
    let time = now
    const source = await createSource(() => time)
    log('websocket', 0, 'START RequestId: d Version: $LATEST')
    time += 10_000
    await Promise.all([source.list('runs', asked('')), source.list('runs', asked('')), source.list('runs', asked('x'))])
    log('websocket', -2 / 60, '{"level":"INFO","message":"late"}') // of 2 s after the start, seen 20 s later
    log('websocket', -15 / 60, 'REPORT RequestId: d\tDuration: 5.00 ms\t')
    time += 20_000
    const both = await Promise.all([source.list('runs', asked('')), source.list('runs', asked(''))])
    expect(both.map(({ total }) => total)).toEqual([1, 1])
    const opened = await source.open('runs', both[0].rows[0]?.id ?? '', {})
    expect(opened?.output.map(({ text }) => text)).toEqual(['{"level":"INFO","message":"late"}'])
  })

  it('are not read again for the next page, nor twice within five seconds', async () => {
    const source = await createSource(() => now)
    await source.list('runs', asked(''))
    const reads = targets().length
    await source.list('runs', asked('', { offset: 100 }))
    await source.list('runs', asked('', { more: true, through: 1 }))
    await source.list('runs', asked('x'))
    expect(targets().length).toBe(reads)
  })

  it('name the action that the credentials lack', async () => {
    account.deniedToMe.add('logs:FilterLogEvents')
    await expect((await createSource()).list('runs', asked(''))).rejects.toThrow(
      'Your credentials may not call logs:FilterLogEvents. Allow it to the credentials with which you run the inspector.',
    )
  })
})

describe('the usage', () => {
  it('is that of the last hour, with its cost', async () => {
    account.throttles.set(deployedFunctions['websocket'] ?? '', 2_000_000) // the endpoint has one value for each metric
    const source = await createSource()
    expect((await source.capabilities()).cost).toBe(true)
    const { cost } = source.status()
    account.throttles.clear()
    expect(cost?.lines.map(({ used }) => used)).toEqual([0, 2_000_000, 0, 0])
    expect(cost).toMatchObject({ span: 'last-hour', usd: expect.closeTo(0.4) })
  })

  it('is left out, with the reason, where the credentials may not read it', async () => {
    account.deniedToMe.add('cloudwatch:GetMetricData')
    const problems: string[] = []
    const source = await createSource(Date.now, (words) => problems.push(words))
    expect((await source.capabilities()).cost).toBe(false)
    expect(problems).toEqual([expect.stringContaining('may not call cloudwatch:GetMetricData')])
  })

  it('is read every five minutes while a page is open, and not otherwise', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    try {
      const source = await createSource()
      const changed = new Promise<void>((resolve) => source.onChange(resolve))
      const stop = source.onChange(() => {})
      vi.advanceTimersByTime(300_000)
      await changed
      expect(targets()).toEqual(['GetMetricData'])
      stop()
      expect(vi.getTimerCount()).toBe(1)
    } finally {
      vi.useRealTimers()
    }
  })
})
