import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { runTrunkline } from '../../testing/command-line.suite.ts'
import { bodyOf, startHttpServer } from '../../testing/http-server.suite.ts'

beforeEach(() => {
  for (const name of Object.keys(process.env)) if (/^(AWS|TRUNKLINE)_/.test(name)) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true')
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIA')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
  vi.stubEnv('TRUNKLINE_TABLE', 'shop')
})
afterEach(() => vi.unstubAllEnvs())

interface LogEvent {
  readonly message: string
  readonly ago: number
}

/** CloudWatch Logs with pages of one event. `later` comes to the group of `websocket` with the second request. */
function startLogs(groups: Readonly<Record<string, readonly LogEvent[]>>, later?: LogEvent) {
  const started = Date.now()
  const asked: { readonly logGroupName: string; readonly filterPattern?: string }[] = []
  const isLater = (group: string, next: string | undefined) =>
    group.endsWith('websocket') && next === undefined && asked.filter((each) => each.logGroupName === group).length > 1
  const serving = startHttpServer(async (request, response) => {
    const { logGroupName: group, nextToken, startTime, endTime, ...rest } = JSON.parse(await bodyOf(request))
    if (nextToken === undefined) asked.push({ logGroupName: group, ...rest })
    const known = groups[group.replace('/aws/lambda/shop-prod-', '')]
    response.setHeader('content-type', 'application/x-amz-json-1.1')
    if (known === undefined) {
      response.writeHead(400).end(JSON.stringify({ __type: 'ResourceNotFoundException', message: 'none' }))
      return
    }
    const all = isLater(group, nextToken) && later !== undefined ? [...known, later] : known
    const events = all
      .map(({ message, ago }, index) => ({ message, timestamp: started - ago, eventId: `${group} ${index}` }))
      .filter(({ timestamp }) => timestamp >= startTime && timestamp <= endTime)
    const at = Number(nextToken ?? 0)
    response.end(
      JSON.stringify({
        events: events.slice(at, at + 1),
        ...(events.length > at + 1 && { nextToken: String(at + 1) }),
      }),
    )
  })
  return { serving, asked }
}

describe('trunkline tail of a stage', () => {
  beforeEach(() => {
    vi.stubEnv('AWS_REGION', 'eu-west-1')
    vi.stubEnv('TRUNKLINE_DELIVER', 'shop-prod-deliver')
  })

  test('merges the logs of all functions by time, and leaves out those without a log group', async () => {
    const groups = {
      websocket: [
        { message: 'first\n', ago: 60_000 },
        { message: '{"level":"ERROR","message":"third"}', ago: 40_000 },
        { message: 'too old', ago: 3_600_000 },
      ],
      deliver: [{ message: 'second', ago: 50_000 }],
    }
    const { serving, asked } = startLogs(groups)
    await using logs = await serving
    vi.stubEnv('AWS_ENDPOINT_URL_CLOUDWATCH_LOGS', logs.url)
    const { code, out, err } = await runTrunkline(['tail', '--no-follow', '--filter', 'ERR"OR', '--json'])
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(code).toBe(0)
    expect(lines).toMatchObject([
      { from: 'websocket', message: 'first' },
      { from: 'deliver', message: 'second' },
      { from: 'websocket', message: { level: 'ERROR', message: 'third' }, logGroup: '/aws/lambda/shop-prod-websocket' },
    ])
    expect(err).toContain('authorizer has no log group /aws/lambda/shop-prod-authorizer yet.')
    expect(asked[0]?.filterPattern).toBe('"ERR\\"OR"')
  })

  test('prints each line once and those that come later, until it is interrupted', async () => {
    const early = { message: 'early', ago: 60_000 }
    const { serving } = startLogs({ websocket: [early] }, { message: 'late', ago: 10_000 })
    await using logs = await serving
    vi.stubEnv('AWS_ENDPOINT_URL_CLOUDWATCH_LOGS', logs.url)
    const stop = new AbortController()
    const { code, out } = await runTrunkline(['tail', '--function', 'websocket'], {
      interrupted: stop.signal,
      onOut: (text) => text.includes('late') && stop.abort('SIGINT'),
    })
    expect(code).toBe(0)
    expect(out).toMatch(/^20\S+Z {2}websocket {2}early\n20\S+Z {2}websocket {2}late\n$/)
  })

  test.each([
    [['--function', 'websockets'], 'Expected --function to be of authorizer, websocket,'],
    [['--frames'], 'the frames of a stage are in no log'],
    [['--filter', 'a', '--pattern', 'b'], 'Expected either --filter or --pattern, got both'],
    [['--since', 'soon'], 'Expected --since to be a date such as'],
  ])('refuses %j with what to write', async (args, message) => {
    expect(await runTrunkline(['tail', ...args])).toMatchObject({ code: 2, err: expect.stringContaining(message) })
  })

  test('names the right that is missing', async () => {
    await using logs = await startHttpServer((_, response) => {
      response.setHeader('content-type', 'application/x-amz-json-1.1')
      response.writeHead(400).end(JSON.stringify({ __type: 'AccessDeniedException', message: 'Not allowed' }))
    })
    vi.stubEnv('AWS_ENDPOINT_URL_CLOUDWATCH_LOGS', logs.url)
    const { code, err } = await runTrunkline(['tail', '--function', 'websocket', '--no-follow'])
    expect([code, err]).toEqual([1, expect.stringContaining('The command needs logs:FilterLogEvents on')])
  })
})

describe('trunkline tail of a local line', () => {
  const at = Date.now()
  const frame = (number: number) => ({
    ...{ id: String(number), number, at: at + number, direction: 'in', connectionId: 'abc=', bytes: 20 },
    ...{ type: 'call', path: `room.p${number}` },
  })
  const run = {
    ...{ id: '1', number: 1, name: 'websocket', endedAt: at + 2_500, durationMs: 10, attempt: 1, outcome: 'error' },
    ...{ cause: 'room.send', code: 'BAD_REQUEST', lines: 2 },
  }

  /** The lists of an inspector, with 250 frames in pages of at most 200, and one more frame at the third reading. */
  function startInspector() {
    let readings = 0
    return startHttpServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost')
      const send = (value: unknown) => response.end(JSON.stringify(value))
      if (pathname.endsWith('/open/runs'))
        return send({ ...run, output: [{ stream: 'stdout', text: 'hello\nworld\n' }] })
      if (pathname.endsWith('/open/frames')) return send({ text: `text of ${searchParams.get('id')}` })
      if (pathname.endsWith('/list/runs')) return send({ rows: [run], total: 1 })
      const offset = Number(searchParams.get('offset'))
      if (offset === 0) readings += 1
      const count = Number(searchParams.get('through') ?? (readings > 2 ? 251 : 250))
      const newest = Array.from({ length: count }, (_, index) => frame(count - index))
      return send({ rows: newest.slice(offset, offset + Number(searchParams.get('limit'))), total: count })
    })
  }

  test('prints frames, console output and the ends of runs by time, each once', async () => {
    await using inspector = await startInspector()
    vi.stubEnv('AWS_REGION', 'local-1')
    vi.stubEnv('TRUNKLINE_CALLBACK_URL', `${inspector.url}/dev`)
    const stop = new AbortController()
    const { out } = await runTrunkline(['tail'], {
      interrupted: stop.signal,
      onOut: (text) => text.includes('room.p251') && stop.abort('SIGINT'),
    })
    const lines = out.trimEnd().split('\n')
    expect(lines).toHaveLength(251 + 3)
    expect(lines[0]).toMatch(/^20\S+Z {2}frame in {2}abc= {2}call {2}room\.p1 {2}20 bytes$/)
    expect(
      lines.filter((line) => line.includes('  websocket  ')).map((line) => line.split('  ').slice(2).join(' ')),
    ).toEqual(['hello', 'world', 'error room.send BAD_REQUEST 10 ms'])
  })

  test('waits for a line that is started again, and prints what happens then', async () => {
    vi.stubEnv('AWS_REGION', 'local-1')
    const stop = new AbortController()
    let isAway = false
    await using inspector = await startHttpServer((request, response) => {
      if (isAway) {
        isAway = false // the second reading fails, and then another line answers, whose first frame has the number 1 too
        return void request.socket.destroy()
      }
      const { pathname } = new URL(request.url ?? '', 'http://localhost')
      const rows = pathname.endsWith('/list/runs') ? [] : [{ ...frame(1), at: Date.now(), path: `at.${++readings}` }]
      response.end(JSON.stringify({ rows, total: rows.length }))
      if (readings === 1) isAway = true
    })
    let readings = 0
    vi.stubEnv('TRUNKLINE_CALLBACK_URL', `${inspector.url}/dev`)
    const { code, out, err } = await runTrunkline(['tail', '--frames'], {
      interrupted: stop.signal,
      onOut: (text) => text.includes('at.2') && stop.abort('SIGINT'),
    })
    expect([code, out]).toEqual([0, expect.stringMatching(/at\.1 [\s\S]*at\.2 /)])
    expect(err).toMatch(/does not answer\. .* Waiting for it\.\nIt answers again\.\n$/)
  })

  test('prints only logs of a function, or only lines with a text', async () => {
    await using inspector = await startInspector()
    vi.stubEnv('AWS_REGION', 'local-1')
    vi.stubEnv('TRUNKLINE_CALLBACK_URL', `${inspector.url}/dev`)
    const only = async (...args: readonly string[]) =>
      (await runTrunkline(['tail', '--no-follow', '--json', '--since', '1h', ...args])).out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).from)
    expect(await only('--function', 'websocket')).toEqual(['websocket', 'websocket', 'websocket'])
    expect(await only('--filter', 'room.p12', '--frames')).toHaveLength(11)
    const shown = await runTrunkline(['tail', '--no-follow', '--frames', '--text', '--filter', 'text of 250', '--json'])
    expect(JSON.parse(shown.out)).toMatchObject({ path: 'room.p250', text: 'text of 250' })
  })

  test('says that the inspector does not answer', async () => {
    vi.stubEnv('AWS_REGION', 'local-1')
    vi.stubEnv('TRUNKLINE_CALLBACK_URL', 'http://127.0.0.1:9/dev')
    const { code, err } = await runTrunkline(['tail', '--no-follow'])
    expect([code, err]).toEqual([1, expect.stringContaining('does not answer. Start the line with trunkline dev.')])
  })
})
