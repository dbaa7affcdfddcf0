import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { healthyAccount, startAws } from '../../doctor/aws-endpoint.suite.ts'
import { ownVersion } from '../../doctor/checks/versions.ts'
import { startLine } from '../../doctor/line-target.suite.ts'
import type { DoctorReport } from '../../doctor/run-doctor.ts'
import { runTrunkline } from '../../testing/command-line.suite.ts'

let local: Awaited<ReturnType<typeof startLine>>
beforeAll(async () => {
  local = await startLine()
})
afterAll(() => local.close())
beforeEach(() => {
  for (const [name, value] of Object.entries(local.environment)) vi.stubEnv(name, value)
  for (const method of ['info', 'warn', 'error'] as const) vi.spyOn(console, method).mockImplementation(() => {})
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

describe('trunkline doctor', () => {
  it('prints a line for each check and exits with 0 when none failed', async () => {
    const { code, out, err } = await runTrunkline(['doctor', '--only', 'ping,table,credentials'])
    expect([code, err]).toEqual([0, ''])
    expect(out).toContain('ok    table: The table trunkline-')
    expect(out).toContain('skip  credentials: A local line has no such thing.')
    expect(out).toMatch(/ok {4}ping: .*\{"pong":true\} in \d+ ms\./)
    expect(out.trimEnd().split('\n').at(-1)).toBe(`${local.httpUrl}: 3 passed, 0 failed, 0 warnings, 1 skipped`)
  })

  it('exits with 1 when a check failed, and prints what to do', async () => {
    const { code, out } = await runTrunkline(['doctor', '--only', 'ping,authorizer-with-token', '--token', 'bad'])
    expect(code).toBe(1)
    expect(out).toContain('FAIL  authorizer-with-token: expected that authorize accepts your token\n')
    expect(out).toContain('        authorize refused the token: The token is unknown.\n        → Pass a token')
    expect(out).toContain('skip  ping: Not run, because handshake failed.')
  })

  it('connects with the token of TRUNKLINE_TOKEN, and --token comes before it', async () => {
    vi.stubEnv('TRUNKLINE_TOKEN', 'bad')
    const ofEnvironment = await runTrunkline(['doctor', '--only', 'authorizer-with-token'])
    expect(ofEnvironment).toMatchObject({ code: 1, out: expect.stringContaining('The token is unknown.') })
    const given = await runTrunkline(['doctor', '--only', 'authorizer-with-token', '--token', 'good'])
    expect(given.code).toBe(0)
  })

  it('prints one JSON document with --json', async () => {
    const { code, out } = await runTrunkline(['doctor', '--json', '--only', 'table'])
    expect(code).toBe(0)
    expect(JSON.parse(out)).toEqual({
      line: local.httpUrl,
      kind: 'local',
      ok: true,
      counts: { passed: 1, failed: 0, warning: 0, skipped: 0 },
      results: [
        {
          id: 'table',
          title: expect.stringContaining('the table exists'),
          status: 'passed',
          detail: expect.stringContaining('is ACTIVE'),
          ms: expect.any(Number),
        },
      ],
    })
  })

  it('examines the sockets at --url', async () => {
    const { code, out } = await runTrunkline(['doctor', '--only', 'handshake', '--url', 'ws://127.0.0.1:1/x', '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(out).results[0]).toMatchObject({
      status: 'failed',
      detail: expect.stringContaining('ECONNREFUSED'),
    })
  })

  it.each([
    [['--only', 'pings'], 'Expected --only to name checks, got pings. There are credentials, clock'],
    [['--url', 'https://live.example.com'], 'Expected --url to be an address such as wss://'],
    [['--onyl', 'ping'], '--only'],
  ])('exits with 2 for %j, and says what is expected', async (args, message) => {
    const { code, err } = await runTrunkline(['doctor', ...args])
    expect([code, err]).toEqual([2, expect.stringContaining(message)])
  })

  it('that is interrupted ends its checks and leaves no row behind', async () => {
    local.faults.on('stream', 'drop')
    const interrupted = new AbortController()
    const put = vi.waitFor(async () => expect(await countOfRows()).toBeGreaterThan(0), { timeout: 15_000 })
    const running = runTrunkline(['doctor', '--only', 'filter', '--json'], { interrupted: interrupted.signal })
    await put
    interrupted.abort('SIGINT')
    const { code, out } = await running
    local.faults.clear()
    expect(code).toBe(130)
    expect(JSON.parse(out).results.at(-1)).toMatchObject({ id: 'filter', status: 'skipped', detail: 'Interrupted.' })
    expect(await countOfRows()).toBe(0)
  })
})

describe('trunkline doctor --stage', () => {
  it('finds the line of a stack by itself and examines it', async () => {
    const streamArn = await streamOf(local.environment['TRUNKLINE_TABLE'] ?? '')
    const account = healthyAccount({
      ...{ table: local.environment['TRUNKLINE_TABLE'] ?? '', callbackUrl: local.httpUrl, streamArn },
    })
    Object.assign(account.stack.outputs, {
      ...{ WebSocketUrl: local.url, CallbackUrl: local.httpUrl, HttpApiUrl: local.httpUrl },
      TrunklineVersion: ownVersion(),
    })
    account.stack.resources['ReportLambdaFunction'] = { type: 'AWS::Lambda::Function', id: 'shop-prod-report' }
    await using aws = await startAws(account, local.environment['AWS_ENDPOINT_URL_DYNAMODB'] ?? '')
    for (const name of ['Later', 'DeadLetters']) // the SDK sends to the host of a queue's URL
      account.stack.resources[name] = { type: 'AWS::SQS::Queue', id: `${aws.endpoint}/123456789012/${name}` }
    for (const { Environment } of account.functions.values())
      Object.assign((Environment as { readonly Variables: object }).Variables, {
        TRUNKLINE_DELAY_QUEUE_URL: `${aws.endpoint}/123456789012/Later`,
      })
    vi.unstubAllEnvs()
    const credentials = { AWS_ACCESS_KEY_ID: 'k', AWS_SECRET_ACCESS_KEY: 's' }
    for (const [name, value] of Object.entries({
      ...credentials,
      AWS_ENDPOINT_URL: aws.endpoint,
      AWS_REGION: 'local-1',
    }))
      vi.stubEnv(name, value)
    const { code, out } = await runTrunkline(['doctor', '--stage', 'prod', '--token', 'good', '--json'])
    const { line, ok, results } = JSON.parse(out) as DoctorReport
    const open = results.filter(({ status }) => status !== 'passed')
    expect([line, open.filter(({ id }) => id !== 'filter')]).toEqual(['shop-prod', []]) // a busy machine is late
    expect(code).toBe(ok ? 0 : 1)
  })
})

/** The stream of a table. */
async function streamOf(TableName: string): Promise<string> {
  const { DescribeTableCommand, DynamoDBClient } = await import('@aws-sdk/client-dynamodb')
  const client = new DynamoDBClient({})
  const { Table } = await client.send(new DescribeTableCommand({ TableName }))
  client.destroy()
  return Table?.LatestStreamArn ?? ''
}

/** The rows of the doctor in the table. */
async function countOfRows(): Promise<number> {
  const { DynamoDBClient, ScanCommand } = await import('@aws-sdk/client-dynamodb')
  const client = new DynamoDBClient({})
  const { Items = [] } = await client.send(new ScanCommand({ TableName: local.environment['TRUNKLINE_TABLE'] }))
  client.destroy()
  return Items.filter((item) => JSON.stringify(item).includes('trunkline-doctor')).length
}
