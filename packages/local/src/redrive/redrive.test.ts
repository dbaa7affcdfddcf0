import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { initTRPC } from '@trpc/server'
import { createLine } from '@trunkline/server'
import { afterEach, describe, expect, test, vi } from 'vitest'
import * as z from 'zod'
import type { LocalLine } from '../line/local-line.ts'
import { startLocalLine } from '../line/start-local-line.ts'
import { environmentStage } from '../stage/environment-stage.ts'
import type { RedriveSettings } from './run-redrive.ts'
import { formatCounts, runRedrive } from './run-redrive.ts'

const line = createLine()
const key = z.object({ room: z.string() })
const events = line.channel('redriven', { key, event: z.object({ text: z.string() }) })
const t = initTRPC.create()
const here = line.presence('redriven.here', { key, data: z.object({}), leaseMs: 3_600_000 })
const router = t.router({
  live: t.procedure.input(key).subscription(({ input }) => events.subscribe(input)),
  join: t.procedure
    .input(key.extend({ member: z.string() }))
    .subscription(({ input: { room, member } }) => here.join({ room }, { member, data: {} })),
})

type Line = LocalLine<typeof router>

afterEach(() => vi.unstubAllEnvs())

/** A line with a subscriber, and this process's environment set as for an operator of that line. */
async function listening() {
  vi.spyOn(console, 'error').mockImplementation(() => {}) // hides the reports of the injected faults
  const local = await startLocalLine({ router, line })
  for (const [name, value] of Object.entries(local.environment)) vi.stubEnv(name, value)
  const seen: string[] = []
  const { client } = local.connect()
  const started = new Promise<void>((resolve) =>
    client.live.subscribe(
      { room: 'x' },
      { onStarted: () => resolve(), onData: ({ data }) => void seen.push(data.text), onGap: () => {} },
    ),
  )
  await started
  return { local, seen }
}

const publish = (local: Line, text: string) => local.run(() => events.publish({ room: 'x' }, { text }))

const patience = { timeout: 15_000 } // the maximum on a loaded machine

async function run(local: Line, settings: RedriveSettings = {}) {
  const lines: string[] = []
  const counts = await runRedrive(environmentStage({}, process.env), settings, (text) => lines.push(text))
  await local.idle()
  return { counts, lines }
}

describe('a delivery that failed permanently', () => {
  test('goes to the on-failure queue by topic and offset, and a redrive replays it from the log; a second redrive is harmless', async () => {
    const { local, seen } = await listening()
    await using _ = local
    const broken = local.faults.on('store', 'fail', { path: 'readSubscribers' })
    await publish(local, 'one')
    await local.clock.advance('190s') // Lambda's retries after one and two minutes fail too
    expect(seen).toEqual([])
    broken[Symbol.dispose]()

    const job = { topic: 'redriven?room=s:x', offset: 2 }
    await expect.poll(async () => (await run(local, { dryRun: true })).counts.read, patience).toBe(1) // it was put into the queue
    const dry = await run(local, { dryRun: true })
    expect(dry).toEqual({
      counts: { read: 1, deliveries: 1, checks: 0, deleted: 0, left: 0, failed: 0 },
      lines: [`would deliver ${job.topic} 2`],
    })
    expect(seen).toEqual([])
    const body = await peek(local)
    expect(JSON.parse(body)).toMatchObject({ requestPayload: job })

    const first = await run(local)
    expect(first.counts).toEqual({ read: 1, deliveries: 1, checks: 0, deleted: 1, left: 0, failed: 0 })
    await expect.poll(() => seen).toEqual(['one']) // the delivery is asynchronous
    await resend(local, body)
    await resend(local, body)
    const second = await run(local)
    expect(second.counts).toEqual({ read: 2, deliveries: 1, checks: 0, deleted: 2, left: 0, failed: 0 })
    expect(seen).toEqual(['one'])
    expect((await run(local)).counts.read).toBe(0)
  })
  test('of a whole batch is read from the stream again', async () => {
    const { local, seen } = await listening()
    await using _ = local
    const broken = local.faults.on('function', 'fail', { path: 'tableStream' })
    for (const text of ['one', 'two']) await publish(local, text)
    await local.clock.advance('30s') // six attempts
    broken[Symbol.dispose]()
    expect(seen).toEqual([])
    const { counts } = await run(local)
    expect(counts).toMatchObject({ left: 0, failed: 0, deliveries: 2 })
    await expect.poll(() => seen).toEqual(['one', 'two'])
  })
  test('stays in the queue when it could not be started, as do messages that are not deliveries', async () => {
    const { local } = await listening()
    await using _ = local
    await resend(local, JSON.stringify({ topic: 'redriven?room=s:x', offset: 2 }))
    await resend(local, '{"requestPayload":{"call":1}}')
    vi.stubEnv('TRUNKLINE_DELIVER', 'nowhere')
    const { counts, lines } = await run(local)
    expect(counts).toEqual({ read: 2, deliveries: 0, checks: 0, deleted: 0, left: 1, failed: 1 })
    expect(lines.join()).toContain('Function not found: nowhere')
    expect(lines.join()).toContain('an invocation that is not a delivery')
    await local.clock.advance('301s')
    vi.stubEnv('TRUNKLINE_DELIVER', 'deliver')
    expect((await run(local, { max: 1 })).counts).toMatchObject({ read: 1, deleted: 1 })
  })
})

describe('a presence check that failed permanently', () => {
  test('goes to the on-failure queue, and a redrive runs it; a second redrive is harmless', async () => {
    const { local } = await listening()
    await using _ = local
    const [ann, bob] = [local.connect(), local.connect()]
    const seen: string[] = []
    const joined = (who: typeof ann, member: string, onEvent: (type: string) => void) =>
      new Promise<void>((resolve) =>
        who.client.join.subscribe(
          { room: 'x', member },
          { onStarted: () => resolve(), onData: ({ data }) => onEvent(data.type), onGap: () => {} },
        ),
      )
    await joined(ann, 'ann', (type) => void seen.push(type))
    await joined(bob, 'bob', () => {})
    await local.clock.advance('6m') // a sync has checked the leases, and the next check is an hour later
    const broken = local.faults.on('function', 'fail', { path: 'delayed' })
    await bob.connection.close()
    for (let times = 0; times < 6; times++) await local.clock.advance('190s') // the queue delivers it five times
    broken[Symbol.dispose]()
    expect(seen).toEqual(['here', 'join'])

    const body = await peek(local)
    expect(JSON.parse(body)).toEqual({ presence: { topic: 'redriven.here?room=s:x', member: 'bob' } })
    await resend(local, body)
    const { counts, lines } = await run(local)
    expect(counts).toEqual({ read: 2, deliveries: 0, checks: 1, deleted: 2, left: 0, failed: 0 })
    expect(lines).toEqual(['checking whether bob left redriven.here?room=s:x'])
    expect(seen).toEqual(['here', 'join', 'leave'])
  })
})

describe('a check of an unconfirmed connection that failed permanently', () => {
  test('is started by a redrive, which deletes its message', async () => {
    const { local } = await listening()
    await using _ = local
    await resend(local, JSON.stringify({ unconfirmed: { connectionId: 'gone=' } }))
    const { counts, lines } = await run(local)
    expect(counts).toEqual({ read: 1, deliveries: 0, checks: 1, deleted: 1, left: 0, failed: 0 })
    expect(lines).toEqual(['checking whether connection gone= was confirmed'])
  })
})

describe('the settings of a redrive', () => {
  test('are named when they are missing', async () => {
    await expect(runRedrive(environmentStage({}, {}), {}, () => {})).rejects.toThrow('TRUNKLINE_FAILURES')
    await expect(runRedrive(environmentStage({}, {}), { queue: 'https://q' }, () => {})).rejects.toThrow(
      'TRUNKLINE_DELIVER',
    )
  })
  test('are followed by a line with the counts', () => {
    const counts = { read: 4, deliveries: 2, checks: 1, deleted: 3, left: 1, failed: 0 }
    const work = '2 deliveries and 1 checks'
    expect(formatCounts(counts)).toBe(`4 messages read: ${work} started, 3 deleted, 1 left, 0 failed`)
    expect(formatCounts(counts, true)).toBe(`4 messages read: ${work} would start, 1 left, 0 failed`)
  })
})

async function peek(local: Line): Promise<string> {
  const queue = { QueueUrl: local.environment['TRUNKLINE_FAILURES'] }
  const { Messages } = await new SQSClient({}).send(new ReceiveMessageCommand({ ...queue, VisibilityTimeout: 0 }))
  return Messages?.[0]?.Body ?? ''
}

async function resend(local: Line, MessageBody: string): Promise<void> {
  const QueueUrl = local.environment['TRUNKLINE_FAILURES']
  await new SQSClient({}).send(new SendMessageCommand({ QueueUrl, MessageBody }))
}
