import { afterEach, describe, expect, test, vi } from 'vitest'
import { runTrunkline } from '../../testing/command-line.suite.ts'
import { messages, startRoomLine, typing, useEnvironment } from '../../testing/room.suite.ts'

afterEach(() => vi.unstubAllEnvs())

type Line = Awaited<ReturnType<typeof startRoomLine>>
const room = { room: '7' }
const publish = (line: Line, text: string) => line.run(() => messages.publish(room, { text }))
const linesOf = (out: string) => out.split('\n').flatMap((text) => (text === '' ? [] : [JSON.parse(text)]))

/** Starts `trunkline subscribe`, and resolves when it has printed a line that contains a text. */
function subscribe(args: readonly string[], { path = 'room.live' } = {}) {
  let out = ''
  const stop = new AbortController()
  const waiting = new Set<() => void>()
  const ended = runTrunkline(['subscribe', path, JSON.stringify(room), '--json', ...args], {
    interrupted: stop.signal,
    onOut(text) {
      out = text
      for (const look of waiting) look()
    },
  })
  const printed = (text: string, times = 1) =>
    new Promise<void>((resolve) => {
      const look = () => out.split(text).length > times && resolve()
      waiting.add(look)
      look()
    })
  return { ended, printed, interrupt: () => stop.abort('SIGINT') }
}

describe('trunkline subscribe', () => {
  test('prints events as lines of JSON, resumes after a lost socket, and ends after --count', async () => {
    await using line = await startRoomLine()
    useEnvironment(line)
    const command = subscribe(['--count', '3'])
    await command.printed('"started"')
    await publish(line, 'one')
    await command.printed('one')
    line.faults.cut()
    await publish(line, 'two')
    await command.printed('"started"', 2)
    await publish(line, 'three')
    const { code, out } = await command.ended
    const lines = linesOf(out)
    expect(code).toBe(0)
    expect(lines.filter(({ type }) => type === 'event')).toEqual(
      ['one', 'two', 'three'].map((text) => ({ type: 'event', id: expect.any(String), data: { text } })),
    )
    expect(lines).toContainEqual(expect.objectContaining({ type: 'connection', status: 'reconnecting' }))
  })

  test('begins after --last-event-id', async () => {
    await using line = await startRoomLine()
    useEnvironment(line)
    const { id } = await publish(line, 'one')
    await publish(line, 'two')
    await publish(line, 'three')
    const { out } = await subscribe(['--last-event-id', id, '--count', '2']).ended
    expect(linesOf(out).filter(({ type }) => type === 'event')).toMatchObject([
      { data: { text: 'two' } },
      { data: { text: 'three' } },
    ])
  })

  test('prints a gap as a line of its own', async () => {
    await using line = await startRoomLine()
    useEnvironment(line)
    await publish(line, 'one')
    const command = subscribe(['--last-event-id', '0.anotherlog:1', '--count', '1'])
    await command.printed('"gap"')
    await publish(line, 'two')
    const lines = linesOf((await command.ended).out)
    expect(lines).toContainEqual({ type: 'gap', reason: expect.any(String), lastEventId: null })
    expect(lines.at(-1)).toMatchObject({ type: 'event', data: { text: 'two' } })
  })

  test('ends with 0 when it is interrupted, and prints values without an id', async () => {
    await using line = await startRoomLine()
    useEnvironment(line)
    const command = subscribe([], { path: 'room.typing' })
    await command.printed('"started"')
    await line.run(() => typing.publish(room, { who: 'ann' }))
    await command.printed('ann')
    command.interrupt()
    const { code, out } = await command.ended
    expect([code, linesOf(out)]).toEqual([0, expect.arrayContaining([{ type: 'event', data: { who: 'ann' } }])])
  })

  test('prints one line for a token that is refused', async () => {
    await using line = await startRoomLine()
    useEnvironment(line)
    const { code, out } = await subscribe(['--token', 'bad']).ended
    const errors = linesOf(out).filter(({ type }) => type === 'error')
    expect([code, errors]).toEqual([1, [expect.objectContaining({ message: expect.stringContaining('token is bad') })]])
  })

  test('prints an error as a line and exits with 1', async () => {
    await using line = await startRoomLine()
    useEnvironment(line)
    const { code, out } = await subscribe([], { path: 'room.none' }).ended
    expect([code, linesOf(out).at(-1)]).toEqual([1, expect.objectContaining({ type: 'error', code: 'NOT_FOUND' })])
  })

  test('prints the one error of an input that is too large', async () => {
    await using line = await startRoomLine()
    useEnvironment(line)
    const input = JSON.stringify({ room: 'x'.repeat(2_000_000) })
    const { code, out, err } = await runTrunkline(['subscribe', 'room.live', '-'], { input })
    expect([code, linesOf(out), err]).toEqual([
      1,
      [expect.objectContaining({ type: 'error', code: 'TOO_LARGE', mayHaveRun: false })],
      '',
    ])
  })
})
