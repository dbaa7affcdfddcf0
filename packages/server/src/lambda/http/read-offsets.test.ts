import { describe, expect, test } from 'vitest'
import { request } from './http-client.suite.ts'
import { openWorld, publish } from './http-world.suite.ts'
import { messagesOf, positionOf, read } from './read-client.suite.ts'

const texts = (messages: readonly unknown[]) => messages.map((each) => (each as { text: string }).text)
const hour = 3_600_000

describe('Offsets', () => {
  test('sort as their events, and each that was given is accepted [TL-READ-2]', async () => {
    const world = openWorld()
    const given: string[] = []
    for (let n = 0; n < 12; n++) {
      await publish(world, String(n))
      given.push(positionOf(await read(world, 'live')).next ?? '')
    }
    expect([...given].sort()).toEqual(given)
    for (const [index, offset] of given.entries())
      expect(messagesOf(await read(world, 'live', { offset }))).toHaveLength(11 - index)
  })

  test.each([
    '',
    ' ',
    '1',
    '0,1',
    '0.k3v9:1',
    '0000000000000001',
    '0000000000000001_',
    '0000000000000001_0.k3\n',
    '9999999999999999_0.k3v9',
    '00000000000000001_0.k3',
    '-1 ',
    'NOW',
    '\0',
    '../x',
  ])('of another form are refused with 400: %j [TL-READ-2]', async (offset) => {
    const response = await read(openWorld(), 'live', { offset })
    expect([response.statusCode, JSON.parse(response.body).reason]).toEqual([400, 'malformed'])
  })

  test.each([
    'offset=-1&offset=-1',
    'input=1&input=2',
    'live=sse',
    'live=long-poll',
    'offset=-1&live=',
    'offset=-1&live=push',
  ])('and other parameters in another form too: %s [TL-READ-2]', async (query) => {
    const world = openWorld()
    const response = await request(world, { method: 'GET', path: '/read/live', query })
    expect(response.statusCode).toBe(400)
    expect(world.ran).toEqual([])
  })

  test('of another epoch, ahead of the log and past the retention are 410 with a reason and an offset from which reading goes on [TL-READ-5]', async () => {
    const world = openWorld()
    await publish(world, 'a')
    const { next = '' } = positionOf(await read(world, 'live'))
    const epoch = next.split('_')[1]
    const ends = async (offset: string, reason: string) => {
      const response = await read(world, 'live', { offset })
      expect([response.statusCode, response.headers['stream-gap'], JSON.parse(response.body).reason]).toEqual([
        410,
        reason,
        reason,
      ])
      const goesOn = response.headers['stream-next-offset'] ?? ''
      await publish(world, 'next')
      expect(texts(messagesOf(await read(world, 'live', { offset: goesOn })))).toEqual(['next'])
    }
    await ends('0000000000000001_0.other', 'new-epoch')
    await ends(`0000000000000099_${epoch}`, 'new-epoch')
    await world.clock.advance(25 * hour)
    await publish(world, 'b')
    await ends(next, 'expired')
  })

  test('of a subscription with `startWith` go on at -1 after a gap, where a new state is [TL-READ-5]', async () => {
    const world = openWorld()
    await publish(world, 'a')
    const response = await read(world, 'page', { offset: '0000000000000001_0.other' })
    expect([response.statusCode, positionOf(response)]).toEqual([410, { gap: 'new-epoch', next: '-1' }])
  })
})

describe('A cache', () => {
  test('keeps a page for its reader only, and asks again each time [TL-READ-7]', async () => {
    const world = openWorld()
    await publish(world, 'a')
    const { headers } = await read(world, 'live')
    expect(headers).toMatchObject({
      'cache-control': 'private, no-cache',
      vary: 'Origin, Authorization, Cookie',
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
    })
    const refused = await read(world, 'nope')
    expect(refused.headers).toMatchObject({
      'cache-control': 'private, no-cache, no-store',
      'x-content-type-options': 'nosniff',
      vary: 'Origin, Authorization, Cookie',
    })
    expect((await read(world, 'live', { method: 'HEAD' })).headers['cache-control']).toContain('no-store')
  })

  test('gets 304 for a page that has not changed, and another tag after an event [TL-READ-7]', async () => {
    const world = openWorld()
    await publish(world, 'a')
    const { etag = '' } = (await read(world, 'live')).headers
    for (const match of [etag, `"x", ${etag}`, `W/${etag}`, '*']) {
      const same = await read(world, 'live', { headers: { 'if-none-match': match } })
      expect([same.statusCode, same.body, same.headers['etag'], positionOf(same).isUpToDate]).toEqual([
        304,
        '',
        etag,
        'true',
      ])
    }
    await publish(world, 'b')
    const changed = await read(world, 'live', { headers: { 'if-none-match': etag } })
    expect([changed.statusCode, changed.headers['etag'] === etag]).toEqual([200, false])
  })

  test('gets no 304 after another role has changed what a filter lets through [TL-READ-7]', async () => {
    const world = openWorld()
    await publish(world, 'a1', 'b1', 'a2')
    const as = (role: string, etag?: string) =>
      read(world, 'mine', { headers: { authorization: `Bearer ann/${role}`, ...(etag && { 'if-none-match': etag }) } })
    const before = await as('a')
    const after = await as('b', before.headers['etag'])
    expect(positionOf(before)).toEqual(positionOf(after))
    expect([after.statusCode, texts(messagesOf(after))]).toEqual([200, ['b1']])
  })
})
