import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { runTrunkline } from '../../testing/command-line.suite.ts'
import { startRoomLine, useEnvironment } from '../../testing/room.suite.ts'

beforeEach(() => void vi.spyOn(console, 'info').mockImplementation(() => {})) // audit events
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

type Line = Awaited<ReturnType<typeof startRoomLine>>

/** A client of a principal that is subscribed to a room. */
async function connected(line: Line, token: string | undefined, room = '7') {
  const { client } = line.connect(token === undefined ? {} : { token: () => token })
  await new Promise<void>((resolve) => client.room.live.subscribe({ room }, { onStarted: () => resolve() }))
  await line.idle()
}

/** The result of a command in JSON. */
async function read(...args: readonly string[]) {
  const { code, out, err } = await runTrunkline([...args, '--json'])
  expect([code, err]).toEqual([0, expect.any(String)])
  return JSON.parse(out)
}

describe('trunkline connections', () => {
  test('lists those of a principal by its rows, without a question', async () => {
    await using line = await startRoomLine()
    useEnvironment(line)
    await connected(line, 'ann')
    await connected(line, 'bob')
    const { connections } = await read('connections', '--principal', 'ann')
    expect(connections).toEqual([
      {
        connectionId: expect.any(String),
        sessionId: expect.stringMatching(/^[\w-]{22}$/),
        principal: 'ann',
        openedAt: expect.stringMatching(/^20\d\d-/),
      },
    ])
  })

  test('lists all by a scan that --yes allows, and says what it reads', async () => {
    await using line = await startRoomLine()
    useEnvironment(line)
    for (const token of ['ann', 'bob', undefined]) await connected(line, token)
    vi.stubEnv('AWS_REGION', 'eu-west-1') // only the table of a deployed line costs
    const { code, out, err } = await runTrunkline(['connections', 'list', '--yes', '--json'])
    const { connections, scanned } = JSON.parse(out)
    expect(code).toBe(0)
    expect(connections.map((each: { principal: string | null }) => each.principal).sort()).toEqual(['ann', 'bob', null])
    expect(scanned).toEqual({ rows: expect.any(Number), readUnits: expect.any(Number), isComplete: true })
    expect(err).toMatch(/^The table \S+ has about [\d,]+ items .* takes about [\d,]+ read units\./)
  })

  test('refuses to scan where nobody can answer, with the remedy and before it reads', async () => {
    await using line = await startRoomLine()
    useEnvironment(line)
    vi.stubEnv('AWS_REGION', 'eu-west-1')
    const { code, out, err } = await runTrunkline(['connections', 'list'])
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain('read units')
    expect(err).toContain('With --principal it reads only the rows of one principal.')
    expect(err).toContain('Add --yes to go on.')
  })

  test('stops a scan at --max rows and says that the list is not complete', async () => {
    await using line = await startRoomLine()
    useEnvironment(line)
    for (const token of ['ann', 'bob', 'cy']) await connected(line, token)
    const { out, err } = await runTrunkline(['connections', 'list', '--yes', '--max', '5', '--json'])
    expect(JSON.parse(out).scanned).toMatchObject({ rows: 5, isComplete: false })
    expect(err).toContain('Stopped after 5 rows. The list is not complete: add --max to read more.')
  })

  test('shows one with its subscriptions and without its secret session', async () => {
    await using line = await startRoomLine()
    useEnvironment(line)
    await connected(line, 'ann')
    const [{ connectionId, sessionId }] = (await read('connections', '--principal', 'ann')).connections
    const shown = await read('connections', 'show', connectionId)
    expect(shown).toEqual({
      connectionId,
      sessionId,
      state: 'open',
      principal: 'ann',
      via: 'socket',
      client: 'Trunkline',
      openedAt: expect.any(String),
      authorizedUntil: expect.any(String),
      tokenIssuedAt: expect.any(String),
      claims: {},
      subscriptions: [{ id: expect.anything(), topic: 'room.messages?room=s:7', path: 'room.live' }],
    })
    const absent = await runTrunkline(['connections', 'show', 'none='])
    expect(absent).toMatchObject({ code: 1, err: expect.stringContaining('There is no connection none=.') })
  })
})
