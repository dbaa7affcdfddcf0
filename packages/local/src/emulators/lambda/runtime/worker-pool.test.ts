import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defined } from '@trunkline/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createLocalClock, type LocalClock } from '../../clock.ts'
import { createFunctions, type LocalFunctions } from '../functions.ts'
import { BundleError } from './build-error.ts'
import { toThreadGroup } from './thread-group.ts'
import type { ReloadReport } from './worker-bundle.ts'
import { createWorkerPool, type WorkerPool } from './worker-pool.ts'
import type { WorkerLog } from './worker-thread.ts'

let clock: LocalClock
let functions: LocalFunctions
let folder: string
const pools: WorkerPool[] = []
const logs: WorkerLog[] = []
const reports: ReloadReport[] = []
let onReport = () => {}
beforeEach(async () => {
  clock = createLocalClock()
  functions = await createFunctions({ clock })
  folder = await mkdtemp(join(tmpdir(), 'trunkline-test-'))
  logs.length = 0
  reports.length = 0
})
afterEach(async () => {
  await functions.close()
  await Promise.all(pools.splice(0).map((pool) => pool.close()))
  clock.close()
  await rm(folder, { recursive: true, force: true })
})

/** Writes a file atomically by a rename, so that a watcher never reads a part of it. */
async function write(text: string, name = 'entry.ts'): Promise<void> {
  await writeFile(join(folder, `${name}.new`), text)
  await rename(join(folder, `${name}.new`), join(folder, name))
}
async function start(
  text: string,
  more: { env?: Record<string, string>; watch?: boolean; backgroundRuns?: number } = {},
): Promise<WorkerPool> {
  await write(text)
  const pool = await createWorkerPool({
    entry: join(folder, 'entry.ts'),
    env: more.env ?? {},
    watch: more.watch ?? false,
    ...defined({ backgroundRuns: more.backgroundRuns }),
    clock,
    onLog: (log) => logs.push(log),
    onReload(report) {
      reports.push(report)
      onReport()
    },
  })
  pools.push(pool)
  return pool
}
function add(pool: WorkerPool, exportName: string, timeoutMs = 10_000): void {
  functions.register({ name: exportName, timeoutMs, run: { kind: 'worker', pool, exportName } })
}
const nextReport = () =>
  new Promise<void>((resolve) => {
    onReport = resolve
  })
async function payload(name: string, event: unknown = {}): Promise<unknown> {
  const result = await functions.invoke(name, event)
  return result.status === 'ok' ? result.payload : result
}

test('runs a TypeScript entry, and lists what it exports', async () => {
  const pool = await start(`
    interface Event { readonly at: string }
    export const first = async (event: Event, context: { functionName: string, getRemainingTimeInMillis(): number }) =>
      ({ event, name: context.functionName, left: context.getRemainingTimeInMillis() > 9_000, when: new Date(0), no: undefined })
    export async function second() {}`)
  expect([...pool.exports()].sort()).toEqual(['first', 'second'])
  add(pool, 'first')
  add(pool, 'second')
  const event = { at: new Date(0) }
  const result = await functions.invoke('first', event)
  expect(result).toEqual({
    status: 'ok',
    payload: {
      event: { at: '1970-01-01T00:00:00.000Z' },
      name: 'first',
      left: true,
      when: '1970-01-01T00:00:00.000Z',
    },
  })
  expect(await payload('second')).toBeNull()
})

test('CommonJS inside the bundle may require what Node has', async () => {
  await write('module.exports = { platform: () => require("node:os").platform() }', 'old.cjs')
  const pool = await start(`
    import old from './old.cjs'
    export const f = async () => old.platform()`)
  add(pool, 'f')
  expect(await payload('f')).toBe(process.platform)
})

describe('a kill', () => {
  test('ends an endless loop at the deadline, and the next event runs', async () => {
    const pool = await start('export const f = async ({ spin }) => { if (spin) for (;;); return "here" }')
    add(pool, 'f', 300)
    expect(await payload('f')).toBe('here')
    expect(await payload('f', { spin: true })).toMatchObject({
      status: 'timeout',
      errorMessage: expect.stringContaining('Task timed out after 0.30 seconds'),
    })
    expect(await payload('f')).toBe('here')
  })

  test('happens when the clock is moved past the deadline', async () => {
    const pool = await start(
      'export const f = async () => { console.log("in"); await new Promise(() => setInterval(() => {}, 1e6)) }',
    )
    add(pool, 'f', 60_000)
    const result = functions.invoke('f', {})
    while (logs.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    await clock.advance(60_001)
    expect(await result).toMatchObject({ status: 'timeout' })
  })
})

describe('an invalid result', () => {
  test('is reported as Lambda reports it, and the worker stays alive', async () => {
    const pool = await start(`
      class TeapotError extends Error { override readonly name = 'TeapotError' }
      export const thrown = async () => { throw new TeapotError('short') }
      export const bare = () => { throw 'words' }
      export const big = async () => 1n
      export const notFunction = 7`)
    for (const name of ['thrown', 'bare', 'big', 'notFunction', 'missing']) add(pool, name)
    expect(await payload('thrown')).toMatchObject({ status: 'error', errorType: 'TeapotError', errorMessage: 'short' })
    expect(await payload('bare')).toMatchObject({ status: 'error', errorType: 'string', errorMessage: 'words' })
    expect(await payload('big')).toMatchObject({ errorType: 'Runtime.MarshalError' })
    expect(await payload('notFunction')).toMatchObject({ errorType: 'Runtime.HandlerNotFound' })
    expect(await payload('missing')).toMatchObject({ errorType: 'Runtime.HandlerNotFound' })
  })

  test('names the source line in its trace and in what it printed', async () => {
    const pool = await start(
      '\n\nexport const f = async () => {\n  const error = new Error("here")\n  console.error(error)\n  throw error\n}\n',
    )
    add(pool, 'f')
    const result = await functions.invoke('f', {})
    expect(result.status === 'error' && result.trace?.join('\n')).toContain(`${join(folder, 'entry.ts')}:4:17`)
    while (logs.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    expect(logs[0]?.text).toContain(`${join(folder, 'entry.ts')}:4:17`)
  })

  test('is Runtime.ExitError when the worker ends under it', async () => {
    const pool = await start(`
      export const exits = async () => process.exit(3)
      export const crashes = async () => { setImmediate(() => { throw new Error('late') }); await new Promise(() => setInterval(() => {}, 1e6)) }
      export const fine = async () => 'fine'`)
    for (const name of ['exits', 'crashes', 'fine']) add(pool, name)
    expect(await payload('exits')).toMatchObject({
      status: 'error',
      errorType: 'Runtime.ExitError',
      errorMessage: expect.stringMatching(/^RequestId: \S+ Error: Runtime exited with error: exit status 3/),
    })
    expect(await payload('crashes')).toMatchObject({ errorType: 'Runtime.ExitError' })
    expect(await payload('fine')).toBe('fine')
  })

  test('is the error that the entry threw while it was loaded, for every event', async () => {
    const pool = await start('export const f = async () => 1\nthrow new RangeError("TABLE is not set")')
    add(pool, 'f')
    const broken = { status: 'error', errorType: 'RangeError', errorMessage: 'TABLE is not set' }
    expect(await payload('f')).toMatchObject(broken)
    expect(await payload('f')).toMatchObject(broken)
  })
})

test('gives a worker the set environment and no other', async () => {
  const text = 'export const f = async () => [process.env.WHO, process.env.PATH ?? null]'
  const ann = await start(text, { env: { WHO: 'ann' } })
  const bob = await start(text, { env: { WHO: 'bob' } })
  functions.register({ name: 'ann', timeoutMs: 9_000, run: { kind: 'worker', pool: ann, exportName: 'f' } })
  functions.register({ name: 'bob', timeoutMs: 9_000, run: { kind: 'worker', pool: bob, exportName: 'f' } })
  expect(await Promise.all([payload('ann'), payload('bob')])).toEqual([
    ['ann', null],
    ['bob', null],
  ])
  expect(process.env.WHO).toBeUndefined()
})

test('20 events at once run on at most 16 workers, one at a time on each', async () => {
  const pool = await start(`
    import { threadId } from 'node:worker_threads'
    let inside = 0
    export const f = async () => {
      inside += 1
      const alone = inside === 1
      await new Promise((resolve) => setTimeout(resolve, 50))
      inside -= 1
      return { alone, threadId }
    }`)
  add(pool, 'f', 20_000)
  const results = await Promise.all(Array.from({ length: 20 }, () => payload('f')))
  expect(results.every((result) => (result as { alone: boolean }).alone)).toBe(true)
  const ids = new Set(results.map((result) => (result as { threadId: number }).threadId))
  expect(ids.size).toBeLessThanOrEqual(16)
  expect(ids.size).toBeGreaterThan(1)
})

describe('runs in the background', () => {
  const text = `
    import { existsSync } from 'node:fs'
    const run = async ({ until }) => {
      console.log('in')
      while (until && !existsSync(until)) await new Promise((resolve) => setTimeout(resolve, 10))
      return 'over'
    }
    export { run as worker, run as deliver, run as tableStream, run as websocket, run as authorizer }`
  const all = ['worker', 'deliver', 'tableStream', 'websocket', 'authorizer']
  const frame = (routeKey: string, body?: unknown) => ({
    requestContext: { routeKey },
    ...defined({ body: JSON.stringify(body) as string | undefined }),
  })
  const call = { id: 1, method: 'query', params: { path: 'slow' } }
  async function hold(count: number, name: string, event: object = {}): Promise<readonly Promise<unknown>[]> {
    const before = logs.length
    const held = Array.from({ length: count }, () => payload(name, { ...event, until: join(folder, 'go') }))
    while (logs.length === before) await new Promise((resolve) => setTimeout(resolve, 10))
    return held
  }

  test('beyond the set number wait in order, and no other function waits for them', async () => {
    const pool = await start(text, { backgroundRuns: 1 })
    for (const name of all) add(pool, name, 60_000)
    const held = await hold(5, 'worker')
    const delivering = await hold(2, 'deliver')
    expect(await payload('tableStream')).toBe('over')
    expect(await payload('authorizer')).toBe('over')
    for (const event of [frame('$disconnect'), frame('$default', call), frame('subscription.stop')])
      expect(await payload('websocket', event)).toBe('over')
    await expect.poll(() => logs.length).toBe(7) // one each of `worker` and `deliver` runs
    await write('', 'go')
    expect(new Set(await Promise.all([...held, ...delivering]))).toEqual(new Set(['over']))
  })

  test('that fill the 16 threads of their function leave threads to frames', async () => {
    const pool = await start(text)
    for (const name of all) add(pool, name, 60_000)
    const held = await hold(20, 'worker')
    while (logs.length < 16) await new Promise((resolve) => setTimeout(resolve, 10))
    for (const event of [frame('$disconnect'), frame('$default', call), frame('subscription.stop')])
      expect(await payload('websocket', event)).toBe('over')
    expect(await payload('deliver')).toBe('over')
    await expect.poll(() => logs.length).toBe(20)
    await write('', 'go')
    expect(new Set(await Promise.all(held))).toEqual(new Set(['over']))
  })

  test('that wait longer than the maximum age of their event go to the on-failure queue', async () => {
    const pool = await start(text, { backgroundRuns: 1 })
    const run = { kind: 'worker', pool, exportName: 'worker' } as const
    functions.register({ name: 'worker', timeoutMs: 900_000, maximumEventAgeMs: 60_000, run })
    const held = await hold(1, 'worker')
    functions.invokeAsync('worker', { late: true })
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    await clock.advance(60_001)
    await expect
      .poll(() => functions.failures())
      .toMatchObject([{ requestContext: { condition: 'EventAgeExceeded' }, requestPayload: { late: true } }])
    await write('', 'go')
    await Promise.all(held)
    expect(logs).toHaveLength(1)
  })

  test.each([
    frame('$connect'),
    frame('$disconnect'),
    frame('subscription.stop', { id: 1, method: 'subscription.stop' }),
    frame('$default', { id: 1, method: 'cancel' }),
    frame('$default', { id: 1, method: 'auth', params: { token: 't' } }),
    frame('$default', [
      { id: 1, method: 'subscription.stop' },
      { id: 2, method: 'cancel' },
    ]),
  ])('and calls that fill their threads do not delay %j', (event) => {
    expect(toThreadGroup('websocket', JSON.stringify(event))).toEqual(toThreadGroup('authorizer', '{}'))
  })

  test.each([
    frame('$default', call),
    frame('$default', [{ id: 1, method: 'cancel' }, call]),
    frame('$default', { id: 1, method: 'chunk' }),
    frame('$default', 'no frame'),
    frame('$default'),
    frame('subscription', { id: 1, method: 'subscription', params: { path: 'live' } }),
  ])('and frames that may run a procedure share threads, as %j', (event) => {
    expect(toThreadGroup('websocket', JSON.stringify(event))).toMatchObject({ name: 'calls', foreground: true })
  })
})

test('an event that is killed in the queue uses no worker', async () => {
  const pool = await start('export const f = async () => "served"')
  const controller = new AbortController()
  controller.abort()
  const group = { name: 'f', foreground: false }
  const begin = () => ({ functionName: 'f', awsRequestId: 'r', deadline: clock.now() + 1_000 })
  expect(await pool.run({ exportName: 'f', text: '{}', group, signal: controller.signal, begin })).toBeUndefined()
  add(pool, 'f')
  expect(await payload('f')).toBe('served')
})

test('a worker is frozen between events, with the work that was not awaited', async () => {
  const pool = await start(`
    let ticks = 0
    export const begin = async () => { setInterval(() => { ticks += 1 }, 5) }
    export const read = async () => ticks`)
  add(pool, 'begin')
  add(pool, 'read')
  await payload('begin')
  await new Promise((resolve) => setTimeout(resolve, 400)) // the test needs real time to pass
  expect(await payload('read')).toBeLessThan(10)
})

test('shows the functions the time of the line', async () => {
  const pool = await start(
    'export const f = async () => [Date.now(), new Date().getTime(), new Date(7).getTime(), new Date() instanceof Date]',
  )
  add(pool, 'f')
  await clock.advance(7_200_000)
  const [now, made, parsed, isDate] = (await payload('f')) as [number, number, number, boolean]
  expect(Math.abs(now - clock.now())).toBeLessThan(1_000)
  expect(Math.abs(made - clock.now())).toBeLessThan(1_000)
  expect(parsed).toBe(7)
  expect(isDate).toBe(true)
})

test('passes on the output of the entry while it is loaded, before any event', async () => {
  await start('console.log("loaded"); export const f = async () => 1')
  while (logs.length < 1) await new Promise((resolve) => setTimeout(resolve, 10))
  expect(logs).toEqual([{ stream: 'stdout', text: 'loaded\n' }])
})

test('passes on the output of a function', async () => {
  const pool = await start('export const f = async () => { console.log("one"); console.error("two") }')
  add(pool, 'f')
  await payload('f')
  while (logs.length < 2) await new Promise((resolve) => setTimeout(resolve, 10))
  expect(logs).toEqual(
    expect.arrayContaining([
      { stream: 'stdout', text: 'one\n' },
      { stream: 'stderr', text: 'two\n' },
    ]),
  )
})

test('joins a character that a function writes in two chunks', async () => {
  const pool = await start(`export const f = async () => {
    for (const byte of Buffer.from('é')) process.stdout.write(Buffer.from([byte]))
  }`)
  add(pool, 'f')
  await payload('f')
  expect(logs.map(({ text }) => text).join('')).toBe('é')
})

describe('a change of the source', () => {
  test('reaches the next event, and a busy worker finishes on the old code', async () => {
    const version = (n: number) => `
      import { existsSync } from 'node:fs'
      export const f = async ({ until }) => {
        if (until) console.log('in')
        while (until && !existsSync(until)) await new Promise((resolve) => setTimeout(resolve, 10))
        return ${n}
      }`
    const pool = await start(version(1), { watch: true })
    add(pool, 'f', 20_000)
    expect(await payload('f')).toBe(1)
    const busy = payload('f', { until: join(folder, 'go') })
    while (logs.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    const reloaded = nextReport()
    await write(version(2))
    await reloaded
    expect(reports).toEqual([{ status: 'reloaded', exports: ['f'] }])
    expect(await payload('f')).toBe(2)
    await write('', 'go')
    expect(await busy).toBe(1)
    expect(await payload('f')).toBe(2)
  })

  test('that does not build is reported with file and line, and the old code stays in use', async () => {
    const pool = await start('export const f = async () => 1', { watch: true })
    add(pool, 'f')
    const failed = nextReport()
    await write('export const f = async () =>\n  1 +\n')
    await failed
    expect(reports).toMatchObject([{ status: 'failed', problems: [{ line: 3, message: expect.any(String) }] }])
    expect(JSON.stringify(reports)).toContain('entry.ts')
    expect(await payload('f')).toBe(1)
    const repaired = nextReport()
    await write('export const f = async () => 1')
    await repaired
    expect(reports.at(-1)).toEqual({ status: 'reloaded', exports: ['f'] })
  })
})

test('an entry without exports is a BundleError', async () => {
  await expect(start('const f = 1')).rejects.toThrow('entry.ts: The module has no exports')
})

test('an entry that does not build at first is a BundleError with file and line', async () => {
  const starting = start('export const f = 1 +\n')
  await expect(starting).rejects.toThrow(BundleError)
  await expect(starting).rejects.toThrow(/entry\.ts:2:1: /)
})

test('closing the pool ends running events', async () => {
  const pool = await start('export const f = async () => { console.log("in"); for (;;); }')
  add(pool, 'f')
  const result = functions.invoke('f', {})
  while (logs.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
  await pool.close()
  expect(await result).toMatchObject({ status: 'timeout' })
})
