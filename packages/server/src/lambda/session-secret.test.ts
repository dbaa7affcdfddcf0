import { initTRPC } from '@trpc/server'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { anonymous, type CallDetails, type LineMeta } from '../define/identity.ts'
import { createLine } from '../line/create-line.ts'
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
  const t = initTRPC.context<CallDetails>().meta<LineMeta>().create()
  const keyed = t.procedure.input(channel.key)
  const router = t.router({
    say: keyed.mutation(({ input, ctx }) => messages.publish(input, { text: ctx.sessionId })),
    whoAmI: t.procedure.query(({ ctx }) => ctx),
    long: t.procedure.meta({ longRunning: true }).query(({ ctx }) => ctx.sessionId),
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
  const recording = recordingTelemetry()
  const made = createTestLine({
    line,
    router,
    telemetry: recording.telemetry,
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
  return { ...made, details, ...recording }
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
