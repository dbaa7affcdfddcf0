import { initTRPC } from '@trpc/server'
import { anonymous, createLine } from '@trunkline/server'
import { afterEach, describe, expect, test, vi } from 'vitest'
import * as z from 'zod'
import { startLocalLine } from '../../line/start-local-line.ts'
import { runTrunkline } from '../../testing/command-line.suite.ts'
import { messages, startRoomLine, useEnvironment } from '../../testing/room.suite.ts'

afterEach(() => vi.unstubAllEnvs())

type Line = Awaited<ReturnType<typeof startRoomLine>>
const topic = 'room.messages?room=s:7'
const named = ['room.messages', '{"room":"7"}'] as const

/** A line with three events in room 7 and one in room 8, and a subscriber of room 7. */
async function startWithEvents(): Promise<Line> {
  const line = await startRoomLine()
  useEnvironment(line)
  for (const text of ['one', 'two', 'three']) await line.run(() => messages.publish({ room: '7' }, { text }))
  await line.run(() => messages.publish({ room: '8' }, { text: 'other' }))
  const { client } = line.connect()
  await new Promise<void>((resolve) => client.room.live.subscribe({ room: '7' }, { onStarted: () => resolve() }))
  await line.idle()
  return line
}

describe('trunkline topics', () => {
  test('lists one topic by its own rows, and all or those of a channel by a scan', async () => {
    await using _ = await startWithEvents()
    const one = {
      ...{ topic, channel: 'room.messages', key: { room: '7' } },
      ...{ newest: expect.any(Number), newestAt: expect.any(String), subscribers: 1 },
    }
    for (const args of [named, ['--topic', topic]]) {
      const { out, err } = await runTrunkline(['topics', 'list', ...args, '--json'])
      expect([JSON.parse(out), err]).toEqual([{ topics: [one] }, ''])
    }
    for (const args of [[], ['room.messages']]) {
      const { out } = await runTrunkline(['topics', 'list', ...args, '--yes', '--json'])
      expect(JSON.parse(out).topics).toEqual([one, expect.objectContaining({ key: { room: '8' }, subscribers: 0 })])
    }
    const { out } = await runTrunkline(['topics', 'list', 'room', '--yes', '--json'])
    expect(JSON.parse(out).topics).toEqual([])
    const rows = (await runTrunkline(['topics', 'list'])).out.split('\n') // a local line is scanned without a question
    expect(rows[0]).toMatch(/^room\.messages {2}\{"room":"7"\} {2}newest \d+ at \S+ {2}1 subscriber$/)
    expect(rows[1]).toMatch(/^room\.messages {2}\{"room":"8"\} {2}newest \d+ at \S+ {2}0 subscribers$/)
    vi.stubEnv('AWS_REGION', 'eu-west-1')
    expect(await runTrunkline(['topics', 'list'])).toMatchObject({ code: 2, err: expect.stringContaining('Add --yes') })
  })

  test('lists each partition of a topic with its subscribers, and erases one of them by its name or number', async () => {
    const line = createLine()
    const key = z.object({ room: z.string() })
    const ticks = line.channel('ticks', { key, event: z.string(), partitions: 2, partitionBy: (event) => event })
    const t = initTRPC.create()
    const live = t.procedure.subscription(() => ticks.subscribe({ room: '7' }, { partition: 1 }))
    const router = t.router({ live })
    await using local = await startLocalLine({ router, line, authorize: () => anonymous, anonymousMay: 'everything' })
    useEnvironment(local)
    for (let n = 0; n < 8; n++) await local.run(() => ticks.publish({ room: '7' }, `e${n}`))
    const { client } = local.connect()
    await new Promise<void>((resolve) => client.live.subscribe(undefined, { onStarted: () => resolve() }))
    const [first, second] = [
      { topic: 'ticks?room=s:7', subscribers: 0 },
      { topic: 'ticks?room=s:7/1', partition: 1, subscribers: 1 },
    ]
    for (const [args, topics] of [
      [['--yes'], [first, second]],
      [
        ['ticks', '{"room":"7"}'],
        [first, second],
      ],
      [['--topic', 'ticks?room=s:7/1'], [second]],
    ] as const)
      expect(JSON.parse((await runTrunkline(['topics', 'list', ...args, '--json'])).out).topics).toMatchObject(topics)
    const erase = async (...args: readonly string[]) => runTrunkline(['erase', '--json', ...args])
    const ofKey = ['--channel', 'ticks', '--key', '{"room":"7"}']
    expect(await erase(...ofKey)).toMatchObject({
      code: 1,
      err: expect.stringContaining('Expected a partition from 0 to 1 for channel ticks, got none.'),
    })
    const counts = []
    for (const args of [
      [...ofKey, '--partition', '0'],
      ['--topic', 'ticks?room=s:7/1'],
    ])
      counts.push(JSON.parse((await erase(...args)).out).counts.events)
    expect([counts.length, counts[0] + counts[1]]).toEqual([2, 8])
    expect((await erase('--principal', 'ann', '--partition', '1')).err).toContain('Leave --partition out')
  })

  test('reads the newest events, and those of a range of offsets', async () => {
    await using _ = await startWithEvents()
    const read = async (...args: readonly string[]) => {
      const { out, err } = await runTrunkline(['topics', 'read', ...named, '--json', ...args])
      expect(err).toBe('')
      const lines = out.split('\n').flatMap((text) => (text === '' ? [] : [JSON.parse(text)]))
      return lines.map(({ offset, data }) => [offset, data.text])
    }
    const all = await read()
    expect(all.map(([, text]) => text)).toEqual(['one', 'two', 'three'])
    const second = String(all[1]?.[0])
    expect(await read('--limit', '2')).toEqual(all.slice(1))
    expect(await read('--from', second)).toEqual(all.slice(1))
    expect(await read('--from', second, '--to', second)).toEqual([all[1]])
    expect(await read('--to', second, '--limit', '1')).toEqual([all[1]])
  })

  test('prints events that arrive with --follow until it is interrupted', async () => {
    await using line = await startWithEvents()
    const stop = new AbortController()
    let isPublished = false
    const { code, out } = await runTrunkline(['topics', 'read', ...named, '--follow', '--limit', '1'], {
      interrupted: stop.signal,
      onOut(text) {
        if (text.includes('three') && !isPublished) {
          isPublished = true
          void line.run(() => messages.publish({ room: '7' }, { text: 'four' }))
        }
        if (text.includes('four')) stop.abort('SIGINT')
      },
    })
    expect([code, out]).toEqual([
      0,
      expect.stringMatching(/^\d+ {2}20\S+ {2}\{"text":"three"\}\n.*\{"text":"four"\}\n$/),
    ])
  })

  test.each([
    [['topics', 'read'], 'Expected a channel and the key of a topic'],
    [['topics', 'read', 'room.messages'], 'got the channel room.messages alone'],
    [['topics', 'read', 'room.messages', '[7]'], 'Expected the key to be a JSON object of texts and numbers'],
    [['topics', 'read', '--topic', 'room.messages'], 'Expected the name of a topic, such as room.messages?room=s:7'],
    [['topics', 'read', ...named, '--from', '3', '--to', '2'], 'got --from 3 and --to 2'],
    [['topics', 'read', ...named, '--limit', '0'], 'Expected --limit to be a whole number from 1 to 100000, got 0'],
  ])('refuses %j with what to write', async (args, message) => {
    expect(await runTrunkline(args)).toMatchObject({ code: 2, out: '', err: expect.stringContaining(message) })
  })

  test('says why the table cannot be read', async () => {
    await using _ = await startWithEvents()
    vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', 'http://127.0.0.1:9')
    const { code, err } = await runTrunkline(['topics', 'read', ...named])
    expect([code, err]).toEqual([1, expect.stringContaining('ECONNREFUSED 127.0.0.1:9')])
  })

  test('says of a topic without events that its name may be wrong', async () => {
    await using _ = await startWithEvents()
    const { code, err } = await runTrunkline(['topics', 'read', 'room.messages', '{"room":"9"}'])
    expect([code, err]).toEqual([0, expect.stringContaining('Check the name and the key.')])
  })
})
