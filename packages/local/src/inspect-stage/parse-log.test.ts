import { describe, expect, it } from 'vitest'
import { type LogLine, parseRuns } from './parse-log.ts'

const [first, second] = ['8f5a1c1e-0000-4000-8000-000000000001', '8f5a1c1e-0000-4000-8000-000000000002']

/** Lines of one log stream, a second apart. */
function lines(...texts: readonly string[]): readonly LogLine[] {
  return texts.map((text, index) => ({ name: 'websocket', stream: 's', at: 1_000 * (index + 1), text: `${text}\n` }))
}

const report = (id: string, more = '') =>
  `REPORT RequestId: ${id}\tDuration: 12.34 ms\tBilled Duration: 13 ms\tMemory Size: 512 MB\tMax Memory Used: 90 MB\t${more}`

describe("Lambda's logs in the text format", () => {
  it('have a run for each REPORT, with its time, its cold start and its output', () => {
    const runs = parseRuns(
      lines(
        'INIT_START Runtime Version: nodejs:24.v1',
        `START RequestId: ${first} Version: $LATEST`,
        `2026-11-30T20:00:00.000Z\t${first}\tINFO\tposted to room 7`,
        `2026-11-30T20:00:00.000Z\t${first}\tWARN\tslow`,
        `END RequestId: ${first}`,
        report(first, 'Init Duration: 152.10 ms\t'),
      ),
    )
    expect(runs).toEqual([
      {
        requestId: first,
        name: 'websocket',
        endedAt: 6_000,
        durationMs: 12.34,
        initMs: 152.1,
        outcome: 'ok',
        cause: '',
        output: [
          { stream: 'stdout', text: 'posted to room 7' },
          { stream: 'stderr', text: 'slow' },
        ],
        isOutputCut: false,
      },
    ])
  })

  it('say the procedure, the code and the connection in structured lines', () => {
    const failure = {
      level: 'ERROR',
      message: 'A call failed.',
      path: 'pay',
      code: 'NOT_FOUND',
      connectionId: 'L0SM9cOFvHcCIhw=',
    }
    const [trunkline] = parseRuns(
      lines(
        `START RequestId: ${first}`,
        `2026-11-30T20:00:00.000Z\t${first}\tERROR\t${JSON.stringify(failure)}`,
        report(first),
      ),
    )
    const powertools = { ...failure, function_request_id: first, service: 'shop-prod' }
    const [logged] = parseRuns(lines(`START RequestId: ${first}`, JSON.stringify(powertools), report(first)))
    for (const run of [trunkline, logged])
      expect(run).toMatchObject({ cause: 'pay', code: 'NOT_FOUND', connectionId: 'L0SM9cOFvHcCIhw=', outcome: 'ok' })
  })

  it('say the procedure of a run without trouble in its metrics, which are no output', () => {
    const metrics = { _aws: { Timestamp: 1 }, path: 'post', outcome: 'ok', calls: 1, callMs: [3], service: 'shop-prod' }
    const [run] = parseRuns(lines(`START RequestId: ${first}`, JSON.stringify(metrics), report(first)))
    expect(run).toMatchObject({ cause: 'post', output: [] })
    expect(run).not.toHaveProperty('code')
  })

  it('have what a function threw', () => {
    const thrown = {
      errorType: 'TypeError',
      errorMessage: 'x is not a function',
      stack: ['TypeError: x', '    at post'],
    }
    const line = `2026-11-30T20:00:00.000Z\t${first}\tERROR\tInvoke Error \t${JSON.stringify(thrown)}`
    const [run] = parseRuns(lines(`START RequestId: ${first}`, line, report(first)))
    expect(run).toMatchObject({
      outcome: 'error',
      code: 'TypeError',
      error: { type: 'TypeError', message: 'x is not a function', trace: ['TypeError: x', '    at post'] },
    })
  })

  it('distinguish timeouts and dead processes from answers', () => {
    const timeout = `2026-11-30T20:00:03.000Z ${first} Task timed out after 3.00 seconds`
    const runs = parseRuns(
      lines(
        `START RequestId: ${first}`,
        timeout,
        report(first, 'Status: timeout'),
        `START RequestId: ${second}`,
        report(second, 'Status: error\tError Type: Runtime.ExitError'),
      ),
    )
    expect(runs.map(({ outcome }) => outcome)).toEqual(['timeout', 'error'])
  })

  it('belong to the run at which their log stream is, where they name none', () => {
    const other = { name: 'worker', stream: 't' }
    const runs = parseRuns([
      ...lines(`START RequestId: ${first}`, 'a line of a library'),
      { ...other, at: 2_500, text: `START RequestId: ${second}` },
      { ...other, at: 2_600, text: 'of the worker' },
      { name: 'websocket', stream: 's', at: 3_000, text: report(first) },
      { ...other, at: 3_100, text: report(second) },
    ])
    expect(runs.map(({ name, output }) => [name, output.map(({ text }) => text)])).toEqual([
      ['websocket', ['a line of a library']],
      ['worker', ['of the worker']],
    ])
  })

  it('leave out a run that has not ended, and lines whose run began before', () => {
    expect(parseRuns(lines('an old line', `START RequestId: ${first}`, 'a line'))).toEqual([])
  })
})

describe("Lambda's logs in the JSON format", () => {
  it('have the same', () => {
    const at = '2026-11-30T20:00:00.000Z'
    const runs = parseRuns(
      lines(
        JSON.stringify({ time: at, type: 'platform.start', record: { requestId: first } }),
        JSON.stringify({ timestamp: at, level: 'INFO', requestId: first, message: 'posted' }),
        JSON.stringify({ timestamp: at, level: 'WARN', requestId: first, message: '{"path":"pay","code":"CONFLICT"}' }),
        JSON.stringify({
          time: at,
          type: 'platform.report',
          record: { requestId: first, metrics: { durationMs: 7.5, initDurationMs: 90 }, status: 'success' },
        }),
        JSON.stringify({ time: at, type: 'platform.start', record: { requestId: second } }),
        JSON.stringify({
          timestamp: at,
          level: 'ERROR',
          requestId: second,
          errorType: 'Error',
          errorMessage: 'no',
          stackTrace: ['Error: no'],
        }),
        JSON.stringify({
          time: at,
          type: 'platform.report',
          record: { requestId: second, metrics: { durationMs: 1 }, status: 'error' },
        }),
      ),
    )
    expect(runs).toMatchObject([
      {
        outcome: 'ok',
        durationMs: 7.5,
        initMs: 90,
        cause: 'pay',
        code: 'CONFLICT',
        output: [{ text: 'posted' }, { stream: 'stderr' }],
      },
      { outcome: 'error', durationMs: 1, error: { type: 'Error', message: 'no', trace: ['Error: no'] } },
    ])
  })
})

it('values with secret names are hidden, and hostile lines break nothing', () => {
  const runs = parseRuns(
    lines(
      `START RequestId: ${first}`,
      '{"password":"hunter2","user":"ann"}',
      'got {"token":"abc.def"} from a header',
      '{',
      '[1]',
      'null',
      '{"record":5,"type":"platform.report"}',
      '{"type":"platform.report"}',
      '\t\t\t',
      '',
      report(first),
    ),
  )
  expect(JSON.stringify(runs)).not.toMatch(/hunter2|abc\.def/)
  expect(JSON.stringify(runs)).toContain('ann')
  expect(runs).toHaveLength(1)
})
