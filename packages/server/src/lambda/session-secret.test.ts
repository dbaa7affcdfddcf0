import { initTRPC } from '@trpc/server'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { anonymous, type CallDetails, type LineMeta } from '../define/identity.ts'
import { createLine } from '../line/create-line.ts'
import type { Store } from '../ports/store.ts'
import { publicSessionId } from '../runtime/context/public-session.ts'
import { recordingTelemetry } from './recording-telemetry.suite.ts'
import { createTestLine } from './test-line.suite.ts'

const session = 'secret-session-0123456789'
const publicId = publicSessionId(session)
const key = { room: 'x' }

function createRoom() {
  const line = createLine()
  const channel = { key: z.object({ room: z.string() }), event: z.object({ text: z.string() }) }
  const messages = line.channel('chat', channel)
  const here = line.presence('here', { key: channel.key, data: z.object({ away: z.boolean() }) })
  const runs: string[] = []
  const t = initTRPC.context<CallDetails>().meta<LineMeta>().create()
  const keyed = t.procedure.input(channel.key)
  const router = t.router({
    say: keyed.mutation(({ input, ctx }) => messages.publish(input, { text: ctx.sessionId })),
    whoAmI: t.procedure.query(({ ctx }) => ctx),
    long: t.procedure.meta({ longRunning: true }).query(({ ctx }) => ctx.sessionId),
    longSay: keyed.meta({ longRunning: true }).mutation(() => {
      runs.push('longSay')
      return runs.length
    }),
    count: t.procedure.subscription(async function* ({ ctx }) {
      yield ctx.sessionId
    }),
    filtered: keyed.subscription(({ input }) => messages.subscribe(input).filter(() => true)),
    here: keyed.subscription(({ input, ctx }) => here.join(input, { member: ctx.sessionId, data: { away: false } })),
    plain: keyed.subscription(({ input }) => messages.subscribe(input)),
    failing: keyed.subscription(({ input }) =>
      messages.subscribe(input).filter(() => {
        throw new Error('broken')
      }),
    ),
    failLong: t.procedure.meta({ longRunning: true }).query(() => {
      throw new Error('broken')
    }),
    fail: t.procedure.query(() => {
      throw new Error('broken')
    }),
  })
  const details: CallDetails[] = []
  const written: unknown[] = []
  const recording = recordingTelemetry()
  const made = createTestLine({
    line,
    router,
    telemetry: recording.telemetry,
    store: (inner: Store) =>
      new Proxy(inner, {
        get: (target, name) => {
          const operation = Reflect.get(target, name) as (...args: unknown[]) => unknown
          if (typeof operation !== 'function' || name === 'putConnection') return operation
          return (...args: unknown[]) => {
            written.push([name, args])
            return operation.apply(target, args)
          }
        },
      }),
    authorize: ({ token }) =>
      token === undefined
        ? anonymous
        : { principal: token, claims: {}, expiresAt: new Date(1_800_000_000_000 + 3_600_000) },
    anonymousMay: 'everything',
    createContext: (call) => {
      details.push(call)
      return call
    },
  })
  return { ...made, details, written, runs, ...recording }
}

const call = (path: string, method = 'query') => ({ id: path, method, params: { path, input: key, ref: 1 } })

describe('[TL-HS-7] a session id', () => {
  test('is known to procedures by its public id, in a frame, a delivery and the worker alike', async () => {
    const room = createRoom()
    const ann = await room.connect({ session })
    for (const path of ['filtered', 'here']) await ann.send(call(path, 'subscription'))
    await ann.send(call('long'))
    await ann.send(call('say', 'mutation'))
    await room.work()
    expect(new Set(room.details.map(({ cause }) => cause))).toEqual(new Set(['frame', 'delivery', 'worker']))
    expect(new Set(room.details.map(({ sessionId }) => sessionId))).toEqual(new Set([publicId]))
    expect(JSON.stringify(room.details)).not.toContain(session)
  })

  test('has the same public id on every connection of the session', async () => {
    const room = createRoom()
    const [first, second] = [await room.connect({ session }), await room.connect({ session })]
    const other = await room.connect()
    const idOf = async (client: typeof first) =>
      ((await client.send(call('whoAmI'))) as { readonly result: { readonly data: CallDetails } }).result.data.sessionId
    expect([await idOf(first), await idOf(second)]).toEqual([publicId, publicId])
    expect(await idOf(other)).not.toBe(publicId)
  })

  test('reaches its own client in the answer to hello, and no other client and no log', async () => {
    const room = createRoom()
    const [ann, bob] = [await room.connect({ session }), await room.connect()]
    for (const client of [ann, bob])
      for (const path of ['filtered', 'here']) await client.send(call(path, 'subscription'))
    await ann.send(call('say', 'mutation'))
    await ann.send(call('fail'))
    await ann.disconnect()
    expect(JSON.stringify(bob.frames())).toContain(publicId)
    expect(JSON.stringify(bob.frames())).not.toContain(session)
    expect(JSON.stringify(room.logs)).toContain('broken')
    expect(JSON.stringify(room.logs)).not.toContain(session)
    expect(JSON.stringify([...room.sums])).not.toContain(session)
  })
})

describe('a session id at rest', () => {
  test("is in the connection's row alone: no other row, request or job has it", async () => {
    const room = createRoom()
    const clients = [await room.connect({ session }), await room.connect({ session, token: 'ann' })]
    for (const client of clients) {
      for (const path of ['filtered', 'here', 'plain', 'count']) await client.send(call(path, 'subscription'))
      await client.send({
        ...call('say', 'mutation'),
        params: { path: 'say', input: key, key: 'own.key-of-a-call-of-say' },
      })
      await client.send({
        ...call('longSay', 'mutation'),
        params: { path: 'longSay', input: key, key: 'own.key-of-a-long-call' },
      })
      await client.send(call('long'))
    }
    for (const { payload } of [...room.invoked]) {
      const worked = room.work(payload)
      for (let step = 0; step < 5; step++) await room.clock.advance(1_000)
      await worked
    }
    for (const client of clients) await client.disconnect()
    expect(JSON.stringify(room.written)).toContain(publicId)
    expect(JSON.stringify(room.written)).not.toContain(session)
    expect(new Set(room.invoked.map(({ payload }) => (payload as { readonly kind: string }).kind))).toEqual(
      new Set(['call', 'generator']),
    )
    expect(JSON.stringify(room.invoked)).toContain(publicId)
    expect(JSON.stringify(room.invoked)).not.toContain(session)
  })

  test('leaves one effect to the key of an anonymous caller, over a job of this version and of the one before', async () => {
    const room = createRoom()
    const ann = await room.connect({ session })
    await ann.send({
      ...call('longSay', 'mutation'),
      params: { path: 'longSay', input: key, key: 'own.key-of-a-long-call' },
    })
    const job = room.invoked.at(-1)?.payload as { readonly client: { readonly caller: object } }
    const { sessionId: _, owner: __, ...caller } = job.client.caller as { sessionId: string; owner: string }
    const old = { ...job, client: { ...job.client, caller: { ...caller, session } } }
    for (const each of [job, old, job]) await room.work(each)
    const again = { path: 'longSay', input: key, key: 'own.key-of-a-long-call', resend: true }
    const answer = await ann.send({ ...call('again', 'mutation'), params: again })
    expect(room.runs).toEqual(['longSay'])
    expect(answer).toMatchObject({ id: 'again', result: { data: 1 } })
    const other = await room.connect()
    await other.send({
      ...call('longSay', 'mutation'),
      params: { path: 'longSay', input: key, key: 'own.key-of-a-long-call' },
    })
    await room.work(room.invoked.at(-1)?.payload)
    expect(room.runs).toHaveLength(2)
  })

  test('is read from rows of the version before, whose delivery gets the public id', async () => {
    const room = createRoom()
    const ann = await room.connect({ session })
    await ann.send(call('filtered', 'subscription'))
    const [row] = (await room.store.readSubscribers('chat?room=s:x', 0)).subscribers
    if (row === undefined) throw new Error('Expected a row of the subscription, found none.')
    await room.store.putSubscriber({ ...row, ref: row.ref + 1, piped: { session, principal: null } })
    await ann.send(call('say', 'mutation'))
    const delivered = room.details.filter(({ cause }) => cause === 'delivery')
    expect(delivered.map(({ sessionId }) => sessionId)).toEqual([publicId])
  })
})

describe('the log line of a failure', () => {
  test('has the connection, the public session id and the principal of a call, a long call and a delivery', async () => {
    const room = createRoom()
    const ann = await room.connect({ session, token: 'ann' })
    const by = { connectionId: ann.connectionId, sessionId: publicId, principal: 'ann' }
    for (const path of ['fail', 'failLong']) await ann.send(call(path))
    await room.work()
    await ann.send(call('failing', 'subscription'))
    const bob = await room.connect({ token: 'bob' })
    await bob.send(call('say', 'mutation'))
    const failures = room.logs.filter(({ level }) => level === 'ERROR').map(({ facts }) => facts)
    expect(failures).toMatchObject([
      { path: 'fail', cause: 'frame', ...by },
      { path: 'failLong', cause: 'worker', ...by },
      { path: 'failing', cause: 'delivery', ...by }, // not of bob, whose frame delivered
    ])
  })

  test('has the connection and no principal of an anonymous caller', async () => {
    const room = createRoom()
    const client = await room.connect({ session })
    await client.send(call('fail'))
    expect(room.logs).toMatchObject([
      { facts: { path: 'fail', connectionId: client.connectionId, sessionId: publicId, principal: null } },
    ])
  })
})
