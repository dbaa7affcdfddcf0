import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { startCloudFormation } from '../testing/cloudformation.suite.ts'
import { runTrunkline } from '../testing/command-line.suite.ts'
import { messages, startRoomLine, useEnvironment } from '../testing/room.suite.ts'
import { createIo } from './definition/io.ts'

beforeEach(() => void vi.spyOn(console, 'info').mockImplementation(() => {})) // audit events
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

/** A line whose stack CloudFormation describes, at the endpoints of the environment; no variable names the line. */
async function startStage() {
  const line = await startRoomLine()
  const { environment } = line
  useEnvironment(line)
  for (const name of Object.keys(environment)) if (name.startsWith('TRUNKLINE_')) vi.stubEnv(name, undefined)
  const formation = await startCloudFormation([
    {
      name: 'shop-prod',
      outputs: {
        WebSocketUrl: line.url,
        CallbackUrl: environment['TRUNKLINE_CALLBACK_URL'] ?? '',
        TableName: environment['TRUNKLINE_TABLE'] ?? '',
        DeadLettersUrl: environment['TRUNKLINE_FAILURES'] ?? '',
      },
    },
  ])
  const close = async () => {
    await formation[Symbol.asyncDispose]()
    await line.close()
  }
  return { line, [Symbol.asyncDispose]: close }
}

describe('with --stage', () => {
  test.each([[['--stage', 'prod']], [['--service', 'shop', '--stage', 'prod']], [['--stack', 'shop-prod']]])(
    'commands work on the line of the stack: %j',
    async (stage) => {
      await using started = await startStage()
      await started.line.run(() => messages.publish({ room: '7' }, { text: 'one' }))
      expect(await runTrunkline(['call', 'add', '{"a":1,"b":2}', ...stage])).toEqual({ code: 0, out: '3\n', err: '' })
      const read = await runTrunkline(['topics', 'read', 'room.messages', '{"room":"7"}', '--json', ...stage])
      expect(JSON.parse(read.out)).toMatchObject({ data: { text: 'one' } })
    },
  )

  test('kick, redrive and subscribe reach its gateway, its queue and its socket', async () => {
    await using started = await startStage()
    const stage = ['--stage', 'prod', '--json'] as const
    const { client, connection } = started.line.connect({ token: () => 'ann' })
    await client.whoami.query()
    const kicked = await runTrunkline(['kick', '--principal', 'ann', '--reason', 'spam', ...stage])
    expect(JSON.parse(kicked.out)).toEqual({ connections: 1 })
    await vi.waitFor(() => expect(connection.state).toMatchObject({ status: 'closed', cause: { code: 'kicked' } }))
    const redriven = await runTrunkline(['redrive', '--dry-run', ...stage])
    expect(JSON.parse(redriven.out)).toMatchObject({ read: 0, failed: 0, dryRun: true })
    const { id } = await started.line.run(() => messages.publish({ room: '7' }, { text: 'one' }))
    await started.line.run(() => messages.publish({ room: '7' }, { text: 'two' }))
    const after = ['--last-event-id', id, '--count', '1']
    const seen = await runTrunkline(['subscribe', 'room.live', '{"room":"7"}', '--stage', 'prod', ...after])
    expect(JSON.parse(seen.out)).toMatchObject({ type: 'event', data: { text: 'two' } })
  })

  test('a stage that does not exist is a failure that names those that do', async () => {
    await using _ = await startStage()
    const { code, err } = await runTrunkline(['call', 'add', '--stage', 'test'])
    expect([code, err]).toEqual([1, expect.stringContaining('its lines are shop-prod. Name another --stage')])
  })
})

describe('a question', () => {
  /** A terminal at which somebody types. */
  function terminal() {
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
    const asTerminal = <T extends object>(stream: T) =>
      Object.assign(stream, { isTTY: true, columns: 80, setRawMode: () => stream })
    let shown = ''
    const isAsked = new Promise<void>((resolve) => {
      stderr.on('data', (part: Buffer) => {
        shown += part.toString()
        if (shown.includes('Go on?')) resolve()
      })
    })
    const streams = { stdin: asTerminal(stdin), stdout, stderr: asTerminal(stderr) }
    return {
      io: createIo(streams, false, new AbortController().signal),
      type: (key: string) => stdin.write(key),
      isAsked,
    }
  }

  test('is asked on a terminal, and a yes goes on', async () => {
    const { io, type, isAsked } = terminal()
    const answered = io.confirm('Go on?', undefined)
    await isAsked
    type('y')
    await expect(answered).resolves.toBeUndefined()
  })

  test('stops the command for a no', async () => {
    const { io, type, isAsked } = terminal()
    const answered = io.confirm('Go on?', undefined)
    await isAsked
    type('n')
    await expect(answered).rejects.toThrow('Stopped: nothing was read or changed.')
  })

  test('is not asked with --yes, and is refused where no terminal can answer', async () => {
    const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() }
    const io = createIo(streams, false, new AbortController().signal)
    await expect(io.confirm('Go on?', true)).resolves.toBeUndefined()
    await expect(io.confirm('Go on?', undefined)).rejects.toThrow('Add --yes to go on.')
  })
})
