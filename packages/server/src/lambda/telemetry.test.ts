import { initTRPC, TRPCError } from '@trpc/server'
import { describe, expect, test, vi } from 'vitest'
import * as z from 'zod'
import { anonymous, type CallDetails, deny } from '../define/identity.ts'
import { formatTopic } from '../define/topic.ts'
import { createLine } from '../line/create-line.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import { publicSessionId } from '../runtime/context/public-session.ts'
import { recordingTelemetry } from './recording-telemetry.suite.ts'
import { createTestLine } from './test-line.suite.ts'

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

function chat(telemetry: Telemetry) {
  const line = createLine()
  const key = z.object({ room: z.string() })
  const messages = line.channel('chat', { key, event: z.object({ text: z.string() }) })
  const facts: CallDetails[] = []
  const t = initTRPC.meta<{ longRunning?: boolean }>().create()
  const router = t.router({
    add: t.procedure.input(z.number()).query(({ input }) => input + 1),
    boom: t.procedure.query(() => {
      throw new Error('a bug')
    }),
    no: t.procedure.query(() => {
      throw new TRPCError({ code: 'FORBIDDEN' })
    }),
    slow: t.procedure.meta({ longRunning: true }).query(() => {
      throw new Error('a slow bug')
    }),
    post: t.procedure.input(key).mutation(({ input }) => messages.publish(input, { text: 'hi' })),
    live: t.procedure.input(key).subscription(({ input }) => messages.subscribe(input)),
  })
  const createContext = ((call: CallDetails) => {
    facts.push(call)
    return {}
  }) as never
  return { ...createTestLine({ line, router, telemetry, createContext }), facts, messages }
}

const call = (path: string, params: object = {}, method = 'query') => ({ id: 1, method, params: { path, ...params } })

describe('telemetry', () => {
  test('counts connections, frames, calls by path and outcome, publishes, deliveries and gone connections', async () => {
    const { telemetry, sums } = recordingTelemetry()
    const line = chat(telemetry)
    const ann = await line.connect()
    const bob = await line.connect()
    for (const client of [ann, bob])
      await client.send({ id: 7, method: 'subscription', params: { path: 'live', input: { room: 'x' }, ref: 1 } })
    line.gateway.close(bob.connectionId)
    await ann.send(call('post', { input: { room: 'x' } }, 'mutation'))
    await ann.send(call('add', { input: 1 }))
    await ann.send([call('add', { input: 1 }), call('no'), call('boom'), call('../../chosen-by-a-client')])
    await ann.disconnect()
    expect(Object.fromEntries([...sums].filter(([name]) => !name.startsWith('callMs')))).toEqual({
      connects: 2,
      disconnects: 1,
      frames: 8,
      posts: 3, // started twice, the event; the answers of the batch are returned
      publishes: 1,
      deliveries: 1,
      gone: 1,
      timeToDeliver: 0,
      failedCalls: 1,
      'calls post ok': 1,
      'calls add ok': 2,
      'calls no FORBIDDEN': 1,
      'calls boom INTERNAL_SERVER_ERROR': 1,
      'calls unknown NOT_FOUND': 1,
    })
  })

  test('measures how old an event was when it was delivered, also by the stream', async () => {
    const { telemetry, sums } = recordingTelemetry()
    const line = chat(telemetry)
    const ann = await line.connect()
    await ann.send({ id: 7, method: 'subscription', params: { path: 'live', input: { room: 'x' }, ref: 1 } })
    await line.asScript(() => line.messages.publish({ room: 'x' }, { text: 'hi' }))
    const topic = formatTopic('chat', { room: 'x' })
    const { slots } = await line.store.readSlotsBefore(topic, undefined, 1)
    await line.clock.advance(1_500)
    await line.stream(slots.map((slot) => ({ topic, slot })))
    expect(sums.get('timeToDeliver')).toBe(1_500)
  })

  test('begins and ends with each invocation, also with one that fails', async () => {
    const { telemetry, begun } = recordingTelemetry()
    const line = chat(telemetry)
    await line.connect()
    await expect(line.work({ kind: 'call', client: {}, call: {} })).rejects.toThrow()
    expect(begun).toEqual(['authorizer', 'websocket', 'worker'].flatMap((name) => [name, `${name} ended`]))
  })

  test('records an audit event of each handshake that is refused, without the token', async () => {
    const { telemetry, audits } = recordingTelemetry()
    const { connect } = createTestLine({
      ...{ router: initTRPC.create().router({}), telemetry },
      authorize: ({ token }) => (token === undefined ? anonymous : deny('The token has expired.')),
    })
    await connect({ connectionId: 'a1=' })
    await connect({ connectionId: 'a2=', token: 'secret-token', session: 'session-of-ann-0123456789' })
    await connect({ connectionId: 'a3=', origin: 'https://foreign.example' })
    const sessionId = publicSessionId('session-of-ann-0123456789')
    expect(audits.filter(({ action }) => action === 'deny')).toEqual([
      { action: 'deny', connectionId: 'a2=', sessionId, reason: 'The token has expired.' },
      {
        ...{ action: 'deny', connectionId: 'a3=', reason: 'foreign origin' },
        facts: { origin: 'https://foreign.example' },
      },
    ])
    expect(JSON.stringify(audits)).not.toContain('secret-token')
  })

  test('counts a page that is refused, and logs its origin', async () => {
    const { telemetry, sums, logs } = recordingTelemetry()
    await chat(telemetry).connect({ origin: 'https://foreign.example' })
    expect(sums.get('refused')).toBe(1)
    expect(logs).toEqual([expect.objectContaining({ level: 'WARN', facts: { origin: 'https://foreign.example' } })])
  })
})

describe('a trace', () => {
  test('reaches the context, the log line of a failure and the worker of a long call [TL-TRACE-2]', async () => {
    const { telemetry, logs } = recordingTelemetry()
    const line = chat(telemetry)
    const ann = await line.connect()
    await ann.send(call('boom', { traceparent }))
    expect(line.facts[0]?.traceparent).toBe(traceparent)
    expect(logs[0]).toMatchObject({
      level: 'ERROR',
      message: 'a bug',
      facts: { path: 'boom', cause: 'frame', traceparent },
    })
    await ann.send(call('slow', { traceparent }))
    await line.work()
    expect(line.facts[1]?.traceparent).toBe(traceparent)
    expect(logs[1]).toMatchObject({ message: 'a slow bug', facts: { path: 'slow', cause: 'worker', traceparent } })
  })

  test('is passed on with a post that is retried, and is in the log lines of `deliver` [TL-TRACE-2]', async () => {
    const { telemetry, logs } = recordingTelemetry()
    const line = chat(telemetry)
    const ann = await line.connect()
    await ann.send({ id: 7, method: 'subscription', params: { path: 'live', input: { room: 'x' }, ref: 1 } })
    vi.spyOn(line.gateway, 'post').mockResolvedValue({ status: 'failed', unknown: false, reason: 'broken' })
    await ann.send(call('post', { input: { room: 'x' }, traceparent }, 'mutation'))
    const job = line.invoked.find(({ name }) => name === 'deliver')?.payload
    expect(job).toMatchObject({ to: [{ connectionId: ann.connectionId }], traceparent })
    vi.spyOn(line.gateway, 'post').mockResolvedValue({ status: 'gone' })
    vi.spyOn(line.store, 'deleteSubscriber').mockRejectedValue(new Error('no table'))
    const deliver = () => line.handlers.deliver(job, { getRemainingTimeInMillis: () => 60_000 })
    await line.line.withBackend(line.backend, deliver).catch(() => {}) // the post is still to be made
    expect(logs.at(-1)).toMatchObject({ message: 'no table', facts: { cause: 'delivery', traceparent } })
  })

  test.each(['none', 7, { trace: 1 }, `${traceparent}x`])(
    'of %j is passed over and the call is served [TL-TRACE-1]',
    async (given) => {
      const line = chat(recordingTelemetry().telemetry)
      const ann = await line.connect()
      expect(await ann.send(call('add', { input: 1, traceparent: given }))).toEqual({
        id: 1,
        result: { type: 'data', data: 2 },
      })
      expect(line.facts[0]).not.toHaveProperty('traceparent')
    },
  )
})
