import { initTRPC } from '@trpc/server'
import type { Connection } from '@trunkline/client'
import { createLine } from '@trunkline/server'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import * as z from 'zod'
import { startLocalLine } from '../../line/start-local-line.ts'
import { environmentStage } from '../../stage/environment-stage.ts'
import { runTrunkline } from '../../testing/command-line.suite.ts'

const line = createLine()
const key = z.object({ room: z.string() })
const messages = line.channel('revoked', { key, event: z.object({ text: z.string() }) })
const t = initTRPC.create()
const router = t.router({
  add: t.procedure.query(() => 1),
  live: t.procedure.input(key).subscription(({ input }) => messages.subscribe(input)),
})

const start = () =>
  startLocalLine({
    router,
    line,
    onError: () => {},
    authorize: ({ token = 'ann' }) => ({
      principal: token,
      claims: {},
      expiresAt: new Date(Date.now() + 3_600_000),
    }),
  })
type Line = Awaited<ReturnType<typeof start>>

const patience = { timeout: 15_000 } // the maximum on a loaded machine
const until = (check: () => void) => vi.waitFor(check, patience)
const named = (token: string) => ({ token: () => token, backoff: { minMs: 20, maxMs: 50 } })
const stateOf = ({ state }: Connection) => ({ status: state.status, ...('cause' in state && { cause: state.cause }) })

/** Runs a command of the CLI on a line, and returns what it printed. */
async function run(local: Line, ...args: readonly string[]): Promise<string[]> {
  for (const [name, value] of Object.entries(local.environment)) vi.stubEnv(name, value)
  const { code, out, err } = await runTrunkline(args)
  expect([code, err]).toEqual([0, ''])
  return out.trimEnd().split('\n')
}

beforeEach(() => void vi.spyOn(console, 'info').mockImplementation(() => {})) // audit events
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

describe('a kick on a local line', () => {
  test('from a script closes the client with the reason, and it stays closed until the application connects', async () => {
    await using local = await start()
    const { client, connection } = local.connect(named('ann'))
    expect(await client.add.query()).toBe(1)
    expect(await local.run(() => line.kick({ principal: 'ann', reason: 'spam' }))).toEqual({ connections: 1 })
    await until(() =>
      expect(stateOf(connection)).toEqual({ status: 'closed', cause: { code: 'kicked', message: 'spam' } }),
    )
    await expect(client.add.query()).rejects.toThrow('spam')
    connection.retryNow()
    await until(() => expect(connection.state.status).toBe('open'))
    expect(await client.add.query()).toBe(1)
  })
  test('with a ban tells a client that connects anew why, and the first one comes back after it [TL-KICK-4]', async () => {
    await using local = await start()
    const first = local.connect(named('ann'))
    expect(await first.client.add.query()).toBe(1)
    const seen: unknown[] = []
    const started = vi.fn()
    first.client.live.subscribe({ room: 'x' }, { onStarted: started, onData: ({ data }) => seen.push(data) })
    await until(() => expect(started).toHaveBeenCalled())
    const ban = new Date(Date.now() + 4_000)
    await local.run(() => line.kick({ principal: 'ann', reason: 'spam', ban }))
    const cause = { code: 'kicked', message: 'spam', until: ban.getTime() }
    await until(() => expect(stateOf(first.connection)).toEqual({ status: 'closed', cause }))
    const second = local.connect(named('ann'))
    const refused = second.client.add.query()
    refused.catch(() => {})
    await until(() => expect(stateOf(second.connection)).toEqual({ status: 'closed', cause }))
    await expect(refused).rejects.toThrow('spam')
    const bob = local.connect(named('bob'))
    expect(await bob.client.add.query()).toBe(1)
    await until(() => expect(first.connection.state.status).toBe('open'))
    await local.run(() => messages.publish({ room: 'x' }, { text: 'again' }))
    await until(() => expect(seen).toContainEqual({ text: 'again' }))
  })
})

describe('the command line', () => {
  test('lists, kicks and bans, and revokes', async () => {
    await using local = await start()
    const { client, connection } = local.connect(named('ann'))
    await client.add.query()
    const [listed = '', count] = await run(local, 'connections', '--principal', 'ann')
    expect(count).toBe('1 connection open')
    const [id = '', session = ''] = /^(\S+) {2}session ([\w-]{22}) {2}opened \d{4}-/.exec(listed)?.slice(1) ?? []
    expect(await run(local, 'kick', '--connection', id, '--reason', 'spam')).toEqual(['1 connection ended'])
    await until(() => expect(connection.state).toMatchObject({ cause: { code: 'kicked', message: 'spam' } }))
    expect(await run(local, 'connections', '--principal', 'ann')).toEqual(['0 connections open'])
    connection.retryNow()
    await until(() => expect(connection.state.status).toBe('open'))
    const banned = await run(
      local,
      'kick',
      '--principal',
      'ann',
      '--session',
      session,
      '--reason',
      'spam',
      '--ban',
      '7d',
    )
    expect(banned).toEqual(['1 connection ended', expect.stringMatching(/^banned until \d{4}-/)])
    const bob = local.connect(named('bob'))
    await bob.client.add.query()
    const revoked = await run(local, 'revoke', '--principal', 'bob', '--reason', 'signed out')
    expect(revoked).toEqual([expect.stringMatching(/^tokens issued before .* are refused$/), '1 connection ended'])
    await until(() => expect(bob.connection.state).toMatchObject({ cause: { message: 'signed out' } }))
  })
  test('says that nobody has an unknown connection, and writes nothing', async () => {
    await using local = await start()
    for (const [name, value] of Object.entries(local.environment)) vi.stubEnv(name, value)
    const backend = await environmentStage({}, local.environment).backend()
    for (const id of ['unknown', 'L0SM9cOFvHcCIhw=', 'ünbekannt ✂']) {
      const kicked = await runTrunkline(['kick', '--connection', id, '--reason', 'x'])
      expect(kicked).toMatchObject({ code: 1, out: '', err: expect.stringContaining(`There is no connection ${id}.`) })
      expect(await backend.store.readConnection(id)).toBeUndefined()
    }
  })

  test.each([
    ['kick', ['--reason', 'x']],
    ['revoke', []],
  ])('says that a misspelt principal had no connection (%s)', async (command, more) => {
    await using local = await start()
    for (const [name, value] of Object.entries(local.environment)) vi.stubEnv(name, value)
    const { code, out, err } = await runTrunkline([command, '--principal', 'an', ...more])
    expect([code, out, err]).toEqual([
      0,
      expect.stringContaining('0 connections ended\n'),
      'an had no open connection. Check the name: it is the principal that authorize returns.\n',
    ])
  })

  test.each([
    ['kick', ['--principal', 'ann'], 'Expected --reason, got none.'],
    ['kick', ['--reason', 'x'], 'either --connection or --principal, got neither'],
    ['kick', ['--principal', 'ann', '--reason', 'x', '--ban', 'soon'], 'Expected --ban to be a date'],
    ['kick', ['--principal', 'ann', '--reason', 'x', '--ban', '2020-01-01'], '--ban to be in the future'],
    ['kick', ['--who', 'ann'], "Unknown option '--who'"],
    ['revoke', [], 'Expected --principal, got none.'],
    ['revoke', ['--principal', 'ann', '--issued-before', '2999-01-01'], 'Expected --issued-before to be in the past'],
  ])('refuses wrong options', async (command, args, words) => {
    vi.stubEnv('TRUNKLINE_TABLE', 'none')
    vi.stubEnv('TRUNKLINE_CALLBACK_URL', 'http://127.0.0.1:1/dev')
    expect(await runTrunkline([command, ...args])).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining(words),
    })
  })
})
