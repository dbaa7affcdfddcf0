import { existsSync } from 'node:fs'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb'
import { initTRPC } from '@trpc/server'
import type { LineMeta } from '@trunkline/server'
import { createLine } from '@trunkline/server'
import { awsBackend } from '@trunkline/server/aws'
import { erase } from '@trunkline/server/erase'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import * as z from 'zod'
import type { LocalLine } from '../line/local-line.ts'
import { startLocalLine } from '../line/start-local-line.ts'
import { bundleCommandLine } from '../testing/bundled-command-line.suite.ts'

const line = createLine()
const key = z.object({ room: z.string() })
const events = line.channel('erased', { key, event: z.object({ text: z.string() }) })
const here = line.presence('erased.here', { key, data: z.object({ mood: z.string() }) })
const t = initTRPC.context<{ name: string }>().meta<LineMeta>().create()
const router = t.router({
  mine: t.procedure.input(key).subscription(({ input }) => events.subscribe(input).filter(() => true)),
  here: t.procedure
    .input(key)
    .subscription(({ input, ctx }) => here.join(input, { member: ctx.name, data: { mood: `mood-of-${ctx.name}` } })),
  answer: t.procedure.input(z.string()).mutation(({ input, ctx }) => `answer-to-${ctx.name}-${input}`),
})
type Line = LocalLine<typeof router>

let command: Awaited<ReturnType<typeof bundleCommandLine>>
beforeAll(async () => {
  command = await bundleCommandLine()
})
afterAll(() => command.end())
afterEach(() => vi.restoreAllMocks())

const start = () =>
  startLocalLine({
    router,
    line,
    authorize: ({ token = '' }) => ({
      principal: token,
      claims: { mail: `mail-of-${token}` },
      expiresAt: new Date(Date.now() + 86_400_000),
    }),
    createContext: (call) => ({ name: String(call.principal) }),
  })

/** Every row of the table, as one JSON text each. */
async function rowsOf(local: Line): Promise<readonly string[]> {
  const { AWS_ENDPOINT_URL_DYNAMODB: endpoint = '', TRUNKLINE_TABLE: TableName } = local.environment
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  const client = new DynamoDBClient({ endpoint, region: 'local-1', credentials })
  const { Items = [] } = await client.send(new ScanCommand({ TableName, ConsistentRead: true }))
  client.destroy()
  return Items.map((item) => JSON.stringify(item)).sort()
}

const storeOf = ({ environment }: Line) =>
  awsBackend({
    table: environment['TRUNKLINE_TABLE'] ?? '',
    endpoint: environment['AWS_ENDPOINT_URL_DYNAMODB'] ?? '',
    ...{ region: 'local-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } },
  }).store

async function publish(local: Line, room: string, count: number): Promise<void> {
  for (let n = 1; n <= count; n++) await local.run(() => events.publish({ room }, { text: `secret ${n}` }))
}

/** The slots of a room without what differs between two logs of equal content. */
async function slotsOf(local: Line, room: string) {
  const { slots } = await storeOf(local).readSlots(`erased?room=s:${room}`, 0, 1_000)
  return slots.map(({ offset, data, erased }) => ({ offset, data, isErased: erased !== undefined }))
}

describe('trunkline erase', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    'that %s stops leaves a file, from which it continues to the same end as one that ran through',
    async (signal, code) => {
      await using local = await start()
      for (const room of ['stopped', 'whole']) await publish(local, room, 60)
      const file = join(command.folder, `${signal}.json`)
      const args = ['--topic', 'erased?room=s:stopped', '--rate', '10', '--file', file]
      const first = command.start(['erase', ...args], local.environment)
      await first.printed('a second')
      first.kill(signal)
      const stopped = await first.ended
      expect(stopped.code).toBe(code)
      expect(stopped.lines.at(0)).toMatch(/^(?:members|events): \d+ done, \d+ left, [\d.]+ a second$/)
      expect(stopped.lines.at(-1)).toBe(`continue with: trunkline erase --resume-from ${file}`)
      const left = (await slotsOf(local, 'stopped')).filter(({ isErased }) => !isErased)
      expect(left.length).toBeGreaterThan(0)
      expect((await stat(file)).mode & 0o077).toBe(0)

      const second = await command.start(['erase', '--resume-from', file], local.environment).ended
      expect(second.code).toBe(0)
      expect(second.lines).toContain('        60 events whose data was removed')
      expect(existsSync(file)).toBe(false)
      const whole = await command.start(
        ['erase', '--channel', 'erased', '--key', '{"room":"whole"}'],
        local.environment,
      ).ended
      expect(whole.code).toBe(0)
      expect(await slotsOf(local, 'stopped')).toEqual(await slotsOf(local, 'whole'))
      expect((await rowsOf(local)).filter((row) => row.includes('secret'))).toEqual([])
    },
  )

  test('stops with a file when nobody reads its output, as before head, and does not exit with 0', async () => {
    await using local = await start()
    await publish(local, 'piped', 60)
    const file = join(command.folder, 'piped.json')
    const args = ['--topic', 'erased?room=s:piped', '--rate', '10', '--file', file]
    const piped = command.start(['erase', ...args], local.environment)
    await piped.printed('a second')
    piped.close('stdout')
    expect((await piped.ended).code).toBe(141)
    expect(existsSync(file)).toBe(true)
    expect((await slotsOf(local, 'piped')).some(({ isErased }) => !isErased)).toBe(true)
  })

  test('of a principal that is stopped continues to the same end', async () => {
    await using local = await start()
    const store = storeOf(local)
    const expires = Math.ceil(Date.now() / 1_000) + 7_200
    const connected = { state: 'CLOSED' as const, extensions: true, expires, claims: '{"mail":"secret"}' }
    for (let n = 0; n < 60; n++) {
      await store.putConnection({ ...connected, connectionId: `c${n}=`, session: `s${n}`, principal: 'ann' })
      if (n < 5) await store.putConnection({ ...connected, connectionId: `o${n}=`, session: 's', principal: 'annette' })
    }
    const file = join(command.folder, 'principal.json')
    const first = command.start(['erase', '--principal', 'ann', '--rate', '10', '--file', file], local.environment)
    await first.printed('a second')
    first.kill('SIGTERM')
    expect((await first.ended).code).toBe(143)
    expect((await rowsOf(local)).filter((row) => row.includes('"ann"')).length).toBeGreaterThan(0)
    const second = await command.start(['erase', '--resume-from', file], local.environment).ended
    expect(second.code).toBe(0)
    expect(second.lines).toContain('        60 connections closed and emptied')
    const rows = await rowsOf(local)
    expect(rows.filter((row) => row.includes('"ann"'))).toEqual([])
    expect(rows.filter((row) => row.includes('annette'))).toHaveLength(5)
  })

  test('that is killed without a warning continues from the file that it last wrote', async () => {
    await using local = await start()
    await publish(local, 'killed', 60)
    const file = join(command.folder, 'killed.json')
    const args = ['--topic', 'erased?room=s:killed', '--rate', '10', '--file', file]
    const first = command.start(['erase', ...args], local.environment)
    await first.printed('a second\nevents')
    first.kill('SIGKILL')
    await first.ended
    expect((await command.start(['erase', '--resume-from', file], local.environment).ended).code).toBe(0)
    expect((await slotsOf(local, 'killed')).every(({ isErased }) => isErased)).toBe(true)
  })

  test.each([
    [[], 'Expected one of --principal, --topic, --channel with --key, and --resume-from, got none.'],
    [['--principal', ''], 'Expected a value for --principal'],
    [['--principal', 'ann', '--topic', 'a?'], 'got --principal, --topic'],
    [['--channel', 'erased'], 'got --channel'],
    [['--topic', 'erased?', '--key', '{}'], 'got --topic and --key'],
    [
      ['--channel', 'erased', '--key', '[1]'],
      'Expected --key to be a JSON object of texts and numbers such as {"room":"7"}, got [1].',
    ],
    [['--topic', 'erased'], 'Expected the name of a topic, such as room.messages?room=s:7, got erased.'],
    [['--principal', 'ann', '--rate', '0'], 'Expected --rate to be a whole number from 1, got 0.'],
    [['--resume-from', 'nowhere.json'], 'Expected nowhere.json to be the file of an erasure that was stopped'],
  ])('refuses %j with what to write', async (args, message) => {
    const { code, lines } = await command.start(['erase', ...args], { TRUNKLINE_TABLE: 't' }).ended
    expect([(code ?? 0) > 0, lines.join('\n')]).toEqual([true, expect.stringContaining(message)])
  })

  test('refuses a file of another table, and one that is no such file', async () => {
    const [other, broken] = ['other.json', 'broken.json'].map((name) => join(command.folder, name))
    const state = { version: 1, of: { principal: 'ann' } }
    await writeFile(other ?? '', JSON.stringify({ table: 'theirs', state }))
    await writeFile(broken ?? '', '{"table":"t"}')
    const run = async (file: string | undefined) =>
      (await command.start(['erase', '--resume-from', file ?? ''], { TRUNKLINE_TABLE: 't' }).ended).lines.join('\n')
    expect(await run(other)).toContain('got one of theirs. Set TRUNKLINE_TABLE to that table.')
    expect(await run(broken)).toContain('got other JSON')
    expect(JSON.parse(await readFile(other ?? '', 'utf8'))).toMatchObject({ table: 'theirs' })
  })

  test('says of a topic without anything that its name may be wrong', async () => {
    await using local = await start()
    const { code, lines } = await command.start(['erase', '--topic', 'erasde?room=s:x'], local.environment).ended
    expect([code, lines.at(-1)]).toEqual([0, '  The topic holds nothing to erase. Check its name.'])
  })
})

test('an erased principal is in no row of the table but a leave of presence, and its client is disconnected', async () => {
  vi.spyOn(console, 'info').mockImplementation(() => {})
  await using local = await start()
  const [ann, bob] = ['ann', 'bob'].map((token) => local.connect({ token: () => token }))
  if (ann === undefined || bob === undefined) throw new Error('Expected two clients.')
  const seen: string[] = []
  for (const { client } of [ann, bob]) {
    const onData = ({ data }: { readonly data: unknown }) => {
      if (client === bob.client) seen.push(JSON.stringify(data))
    }
    const onGap = () => {}
    await new Promise<void>((resolve) =>
      client.mine.subscribe({ room: 'x' }, { onStarted: () => resolve(), onData, onGap }),
    )
    await new Promise<void>((resolve) =>
      client.here.subscribe({ room: 'x' }, { onStarted: () => resolve(), onData, onGap }),
    )
    await client.answer.mutate('question')
  }
  const before = (await rowsOf(local)).join('\n')
  for (const text of ['mail-of-ann', 'mood-of-ann', 'answer-to-ann']) expect(before).toContain(text)
  await ann.connection.close()
  const report = await local.run(() => erase(line, { principal: 'ann' }))
  expect(report.counts).toMatchObject({ connections: 1, keys: 1, members: 1, failed: 0 })
  await local.idle()
  const rows = await rowsOf(local)
  const left = rows.filter((row) => /\bann\b/.test(row)) // random names have these letters too
  expect(left).toEqual([expect.stringContaining('leave')])
  for (const text of ['mail-of-bob', 'mood-of-bob', 'answer-to-bob']) expect(rows.join('\n')).toContain(text)
  expect(seen.at(-1)).toBe('{"type":"leave","member":"ann"}')
})
