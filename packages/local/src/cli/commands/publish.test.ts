import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { initTRPC } from '@trpc/server'
import { createLine } from '@trunkline/server'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import * as z from 'zod'
import { startLocalLine } from '../../line/start-local-line.ts'
import { runTrunkline } from '../../testing/command-line.suite.ts'
import { messages, startRoomLine, useEnvironment } from '../../testing/room.suite.ts'

const folder = mkdtempSync(join(import.meta.dirname, 'publish-')) // here, where packages are found
const entry = join(folder, 'lambda.ts')
writeFileSync(
  entry,
  `import { createLambdaHandlers } from '@trunkline/server/lambda'
import { createLine } from '@trunkline/server'
import { initTRPC } from '@trpc/server'
import * as z from 'zod'
const line = createLine()
const key = z.object({ room: z.string() })
line.channel('room.messages', { key, event: z.object({ text: z.string(), by: z.string().default('nobody') }) })
line.channel('room.busy', { key, event: z.object({ text: z.string() }), partitions: 4 })
line.ephemeral('room.typing', { key, event: z.object({ who: z.string() }) })
line.presence('room.here', { key, data: z.object({}) })
const t = initTRPC.create()
export const { websocket } = createLambdaHandlers({ line, router: t.router({ ping: t.procedure.query(() => 'pong') }) })
`,
)
afterAll(() => rmSync(folder, { recursive: true, force: true }))
afterEach(() => vi.unstubAllEnvs())

const named = ['room.messages', '{"room":"7"}'] as const
const publish = (...args: readonly string[]) => runTrunkline(['publish', ...args])

describe('trunkline publish', () => {
  test('publishes what the schemas of the entry accept, with their defaults, once for a key', async () => {
    await using line = await startRoomLine()
    useEnvironment(line)
    const event = [...named, '{"text":"hi"}', '--entry', entry, '--idempotency-key', 'k1', '--json']
    const { code, out, err } = await publish(...event)
    expect([code, err]).toEqual([0, ''])
    const page = await line.run(() => messages.read({ room: '7' }))
    expect(page.events).toEqual([{ id: JSON.parse(out).id, data: { text: 'hi' } }])
    expect((await publish(...event)).out).toBe(out)
    const read = await runTrunkline(['topics', 'read', ...named, '--json'])
    expect(
      read.out
        .trimEnd()
        .split('\n')
        .map((text) => JSON.parse(text).data),
    ).toEqual([{ text: 'hi', by: 'nobody' }])
  })

  test('publishes to the partition of its key, whose log is listed and read', async () => {
    await using line = await startRoomLine()
    useEnvironment(line)
    const busy = ['room.busy', '{"room":"7"}'] as const
    const { code, out } = await publish(...busy, '{"text":"hi"}', '--entry', entry, '--partition-key', 'ann', '--json')
    expect(code).toBe(0)
    const { topics } = JSON.parse((await runTrunkline(['topics', 'list', 'room.busy', '--yes', '--json'])).out)
    expect(topics).toMatchObject([{ channel: 'room.busy', key: { room: '7' } }])
    const { partition = 0 } = topics[0]
    const read = await runTrunkline(['topics', 'read', ...busy, '--partition', String(partition), '--json'])
    expect(JSON.parse(read.out)).toMatchObject({ id: JSON.parse(out).id, data: { text: 'hi' } })
    const raw = await publish(...busy, '{"text":"hi"}', '--raw')
    expect(raw).toMatchObject({
      code: 2,
      err: expect.stringContaining('got room.busy with partitions. Leave --raw out'),
    })
  })

  test('publishes any JSON with --raw, and says that it is not validated', async () => {
    await using line = await startRoomLine()
    useEnvironment(line)
    const { code, out, err } = await publish(...named, '{"text":"raw"}', '--raw')
    expect([code, out, err]).toEqual([0, expect.stringMatching(/^0\.\S+:\d+\n$/), 'The event is not validated.\n'])
    expect((await line.run(() => messages.read({ room: '7' }))).events).toMatchObject([{ data: { text: 'raw' } }])
  })

  test('refuses --raw for a presence, a stream and a channel with partitions, by the rows of the topic', async () => {
    const own = createLine()
    const key = z.object({ room: z.string() })
    const here = own.presence('raw.here', { key, data: z.object({}) })
    const words = own.stream('raw.words', {
      ...{ key, input: z.object({}), chunk: z.string() },
      async *produce() {
        yield 'one'
      },
    })
    const busy = own.channel('raw.busy', { key, event: z.object({}), partitions: 4 })
    const t = initTRPC.create()
    const router = t.router({
      join: t.procedure.subscription(() => here.join({ room: '7' }, { member: 'ann', data: {} })),
    })
    await using line = await startLocalLine({ router, line: own, anonymousMay: 'everything' })
    useEnvironment(line)
    const { client, connection } = line.connect()
    await new Promise<void>((resolve) =>
      client.join.subscribe(undefined, { onStarted: () => resolve(), onData: () => {} }),
    )
    await line.run(() => Promise.all([words.start({ room: '7' }, {}), busy.publish({ room: '7' }, {})]))
    const refusal = async (channel: string) => (await publish(channel, '{"room":"7"}', '{}', '--raw')).err
    expect(await refusal('raw.here')).toContain('got the presence raw.here: its members alone write to it')
    expect(await refusal('raw.words')).toContain('got the stream raw.words: its producer alone write')
    expect(await refusal('raw.busy')).toContain('a log and without partitions for --raw, got raw.busy with partitions')
    await connection.close()
    await line.idle()
    await line.clock.advance('10m') // the row of the member is removed
    expect(await refusal('raw.here')).toContain('got the presence raw.here: its members alone write to it')
  })

  test('posts an event of an ephemeral channel', async () => {
    await using line = await startRoomLine()
    useEnvironment(line)
    const seen: unknown[] = []
    const { client } = line.connect()
    await new Promise<void>((resolve) =>
      client.room.typing.subscribe(
        { room: '7' },
        { onStarted: () => resolve(), onData: (data) => void seen.push(data) },
      ),
    )
    const { out } = await publish('room.typing', '{"room":"7"}', '{"who":"ann"}', '--entry', entry)
    await line.idle()
    expect([out, seen]).toEqual(['posted to the current subscribers\n', [{ who: 'ann' }]])
  })

  test.each([
    [[...named, '{"text":"hi"}'], 'Expected --entry, the module that exports your handlers, to validate the event.'],
    [[...named, '{"text":7}', '--entry', entry], 'This event does not fit channel room.messages: text: '],
    [['room.mesages', '{"room":"7"}', '{}', '--entry', entry], 'Did you mean room.messages?'],
    [
      ['room.here', '{"room":"7"}', '{}', '--entry', entry],
      'got the presence room.here: its members alone write to it',
    ],
    [[...named, 'hi', '--raw'], 'Expected the event to be JSON'],
    [[...named, '{}', '--raw', '--entry', entry], 'Expected either --entry or --raw, got both'],
    [[...named, '{}', '--entry', 'absent.ts'], 'The module absent.ts does not exist.'],
  ])('refuses %j with what to do', async (args, message) => {
    await using line = await startRoomLine()
    useEnvironment(line)
    expect(await publish(...args)).toMatchObject({ code: 2, out: '', err: expect.stringContaining(message) })
  })
})
