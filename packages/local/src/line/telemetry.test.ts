import { initTRPC } from '@trpc/server'
import { iterate } from '@trunkline/client'
import { createLine } from '@trunkline/server'
import { powertoolsTelemetry } from '@trunkline/server/powertools'
import { afterEach, describe, expect, test, vi } from 'vitest'
import * as z from 'zod'
import { startLocalLine } from './start-local-line.ts'

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

interface Emf {
  readonly _aws: {
    readonly CloudWatchMetrics: readonly {
      readonly Namespace: string
      readonly Dimensions: readonly (readonly string[])[]
      readonly Metrics: readonly { readonly Name: string; readonly Unit: string }[]
    }[]
  }
  readonly [member: string]: unknown
}

/** Every JSON line that was written to the process's own streams, as CloudWatch Logs would receive it. */
function listen() {
  const lines: Record<string, unknown>[] = []
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, 'write').mockImplementation((chunk) => {
      for (const line of String(chunk).split('\n')) if (line.startsWith('{')) lines.push(JSON.parse(line))
      return true
    })
  return lines
}
afterEach(() => vi.restoreAllMocks())

const line = createLine()
const key = z.object({ room: z.string() })
const messages = line.channel('chat', { key, event: z.object({ text: z.string() }) })
const t = initTRPC.create()
const router = t.router({
  post: t.procedure.input(key).mutation(({ input }) => messages.publish(input, { text: 'hi' })),
  live: t.procedure.input(key).subscription(({ input }) => messages.subscribe(input)),
  boom: t.procedure.query(() => {
    throw new Error('a bug')
  }),
})

describe('Powertools', () => {
  test('writes a line’s activity as EMF and log lines that CloudWatch reads', async () => {
    const lines = listen()
    const telemetry = powertoolsTelemetry({ namespace: 'Chat', service: 'chat' })
    await using local = await startLocalLine({ router, line, telemetry })
    const { client } = local.connect({ traceparent: () => traceparent })
    await client.boom.query().catch(() => {}) // opens the connection, because `idle` knows the subscribe only then
    const seen = iterate(client.live, { room: 'x' })
    const first = seen.next()
    await local.idle()
    await client.post.mutate({ room: 'x' })
    await first
    await local.idle()
    vi.restoreAllMocks()

    const emf = lines.filter((each): each is Emf => '_aws' in each)
    const sum = (name: string) => emf.flatMap((each) => (each[name] ?? []) as number[]).reduce((a, b) => a + b, 0)
    expect({ connects: sum('connects'), publishes: sum('publishes'), deliveries: sum('deliveries') }).toEqual({
      connects: 1,
      publishes: 1,
      deliveries: 1,
    })
    expect(emf.filter((each) => 'timeToDeliver' in each)).toHaveLength(1)
    const calls = emf.filter((each) => 'calls' in each).map(({ path, outcome, calls }) => ({ path, outcome, calls }))
    expect(calls).toContainEqual({ path: 'post', outcome: 'ok', calls: 1 })
    expect(calls).toContainEqual({ path: 'boom', outcome: 'INTERNAL_SERVER_ERROR', calls: 1 })
    const logged = lines.filter((each) => each['level'] === 'ERROR')
    expect(logged).toEqual([expect.objectContaining({ message: 'a bug', service: 'chat', path: 'boom', traceparent })])
  })

  test('writes EMF whose metrics and dimensions are all members of the line, in one namespace', () => {
    const lines = listen()
    const recording = powertoolsTelemetry({ namespace: 'Chat', service: 'chat' }).begin({
      functionName: 'deliver',
      requestId: 'r1',
    })
    for (let event = 0; event < 250; event++) recording.measure('timeToDeliver', event)
    recording.measure('deliveries', 250)
    recording.measure('calls', 1, { path: 'post', outcome: 'ok' })
    recording.measure('callMs', 7, { path: 'post', outcome: 'ok' })
    recording.end()
    vi.restoreAllMocks()
    const emf = lines as unknown as Emf[]
    const received = emf.flatMap(({ timeToDeliver }) => (timeToDeliver ?? []) as number[])
    // a line contains at most a hundred values
    expect(received.sort((a, b) => a - b)).toEqual(Array.from({ length: 250 }, (_, event) => event))
    for (const each of emf) {
      const [directive] = each._aws.CloudWatchMetrics
      expect(directive?.Namespace).toBe('Chat')
      for (const { Name } of directive?.Metrics ?? []) expect(each).toHaveProperty(Name)
      for (const dimension of directive?.Dimensions.flat() ?? []) expect(each).toHaveProperty(dimension)
    }
    const call = emf.find((each) => 'calls' in each)
    expect(call?._aws.CloudWatchMetrics[0]).toMatchObject({
      Dimensions: [expect.arrayContaining(['service', 'path', 'outcome'])],
      Metrics: [expect.objectContaining({ Name: 'calls', Unit: 'Count' }), { Name: 'callMs', Unit: 'Milliseconds' }],
    })
  })

  test('writes an audit event as a line of level INFO', () => {
    const lines = listen()
    const recording = powertoolsTelemetry({ service: 'chat' }).begin({ functionName: 'websocket', requestId: 'r1' })
    recording.audit?.({ action: 'kick', principal: 'ann', reason: 'spam', facts: { connections: 2 } })
    vi.restoreAllMocks()
    const event = { action: 'kick', principal: 'ann', reason: 'spam', connections: 2, function_name: 'websocket' }
    expect(lines).toContainEqual(expect.objectContaining({ ...event, level: 'INFO', message: 'audit' }))
  })

  test('causes no failure when its lines cannot be written', () => {
    for (const stream of [process.stdout, process.stderr])
      vi.spyOn(stream, 'write').mockImplementation(() => {
        throw new Error('EPIPE')
      })
    const recording = powertoolsTelemetry().begin({ functionName: 'deliver', requestId: undefined })
    recording.measure('connects', 1)
    expect(() => recording.log({ level: 'ERROR', message: 'x', facts: {} })).not.toThrow()
    expect(() => recording.audit?.({ action: 'deny' })).not.toThrow()
    expect(() => recording.end()).not.toThrow()
    vi.restoreAllMocks()
  })
})
