import { afterEach, describe, expect, test, vi } from 'vitest'
import { runTrunkline } from '../../testing/command-line.suite.ts'
import { startRoomLine, useEnvironment } from '../../testing/room.suite.ts'

afterEach(() => vi.unstubAllEnvs())

describe('trunkline call', () => {
  test('prints the answer of a query and of a mutation as JSON, and null for none', async () => {
    await using line = await startRoomLine()
    useEnvironment(line)
    expect(await runTrunkline(['call', 'add', '{"a":1,"b":2}'])).toEqual({ code: 0, out: '3\n', err: '' })
    expect(await runTrunkline(['call', 'nothing'])).toEqual({ code: 0, out: 'null\n', err: '' })
    expect(await runTrunkline(['call', 'add', '-'], { input: '{"a":2,"b":2}' })).toMatchObject({ out: '4\n' })
  })

  test('runs a mutation of one principal with the same key once', async () => {
    await using line = await startRoomLine()
    useEnvironment(line)
    const first = await runTrunkline(['call', 'count', '--token', 'ann', '--key', 'k1'])
    expect(first).toMatchObject({ code: 0, err: '' })
    expect(await runTrunkline(['call', 'count', '--token', 'ann', '--key', 'k1'])).toEqual(first)
    expect((await runTrunkline(['call', 'count'])).out).not.toBe(first.out)
  })

  test('connects as the token says, that of TRUNKLINE_TOKEN too, and by --url without any other variable', async () => {
    await using line = await startRoomLine()
    const as = ['call', 'whoami', '--url', line.url]
    expect(await runTrunkline([...as, '--token', 'ann'])).toMatchObject({ out: '"ann"\n' })
    vi.stubEnv('TRUNKLINE_TOKEN', 'bob')
    expect(await runTrunkline(as)).toMatchObject({ out: '"bob"\n' })
  })

  test.each([
    [['call', 'add', '{"a":1}'], 1, 'BAD_REQUEST: b: Invalid input: expected number, received undefined'],
    [['call', 'add', ''], 2, 'got an empty text'],
    [['call', ''], 2, 'Expected a value for path, got an empty text.'],
    [['call', 'ad', '{}'], 1, 'NOT_FOUND: The line has no query and no mutation ad.'],
    [['call', 'missing'], 1, 'NOT_FOUND: There is no such room.'],
    [['call', 'add', '{"a":1,"b":2}', '--type', 'mutation'], 1, 'NOT_FOUND: No "mutation"-procedure on path "add"'],
    [['call', 'add', '{a:1}'], 2, `Expected the input to be JSON such as '{"room":"7"}', got {a:1}`],
    [['call'], 2, "Missing required argument 'path'"],
    [['call', 'add', '--type', 'subscription'], 2, 'Expected --type to be query or mutation, got subscription.'],
    [['call', 'whoami', '--token', 'bad'], 1, 'The line refused the token'],
  ])('says what is wrong with %j', async (args, code, message) => {
    await using line = await startRoomLine()
    useEnvironment(line)
    expect(await runTrunkline(args)).toMatchObject({ code, out: '', err: expect.stringContaining(message) })
  })

  test('shows the beginning of a long input that is no JSON', async () => {
    const { code, err } = await runTrunkline(['call', 'add', '-'], { input: `{"text":"${'x'.repeat(1_000_000)}` })
    expect([code, err]).toEqual([2, expect.stringContaining('got {"text":"xxx')])
    expect(err.length).toBeLessThan(600)
  })

  test('has the code and the data of an error in JSON', async () => {
    await using line = await startRoomLine()
    useEnvironment(line)
    const { err } = await runTrunkline(['call', 'missing', '--json'])
    expect(JSON.parse(err)).toEqual({
      error: {
        message: 'NOT_FOUND: There is no such room.',
        code: 'NOT_FOUND',
        docs: expect.stringContaining('/reference/errors.md#not_found'),
        data: { code: 'NOT_FOUND', httpStatus: 404, path: 'missing' },
        exitCode: 1,
      },
    })
  })

  test('exits with 128 and the number of the signal that stopped it, without an error', async () => {
    await using line = await startRoomLine()
    useEnvironment(line)
    const stop = new AbortController()
    const called = runTrunkline(['call', 'endless'], { interrupted: stop.signal })
    stop.abort('SIGINT')
    expect(await called).toEqual({ code: 130, out: '', err: '' })
  })

  test('says that a line cannot be reached', async () => {
    const { code, err } = await runTrunkline(['call', 'add', '--url', 'ws://127.0.0.1:9/dev'])
    expect([code, err]).toEqual([1, expect.stringContaining('Could not connect to ws://127.0.0.1:9/dev')])
  })
})
