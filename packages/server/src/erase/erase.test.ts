import { initTRPC } from '@trpc/server'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import * as z from 'zod'
import type { LineMeta } from '../define/identity.ts'
import { createTestLine, type TestClient } from '../lambda/test-line.suite.ts'
import { createLine } from '../line/create-line.ts'
import type { Store } from '../ports/store.ts'
import { type EraseOptions, type EraseProgress, type EraseState, type EraseSubject, erase } from './index.ts'

const now = 1_800_000_000_000
const audits: string[] = []
beforeEach(() => {
  audits.length = 0
  vi.spyOn(console, 'info').mockImplementation((text: string) => void audits.push(text))
})
const room = { room: 'x' }
const topic = 'chat?room=s:x'
const hereTopic = 'here?room=s:x'

function createRoom({ store }: { readonly store?: (inner: Store) => Store } = {}) {
  const line = createLine()
  const key = z.object({ room: z.string() })
  const messages = line.channel('chat', { key, event: z.object({ author: z.string(), text: z.string() }) })
  const here = line.presence('here', { key, data: z.object({ mood: z.string() }) })
  const t = initTRPC.context<{ name: string }>().meta<LineMeta>().create()
  const runs: string[] = []
  const router = t.router({
    say: t.procedure.input(key.extend({ text: z.string() })).mutation(async ({ input, ctx }) => {
      runs.push(input.text)
      await messages.publish({ room: input.room }, { author: ctx.name, text: input.text })
      return `said ${input.text}`
    }),
    mine: t.procedure.input(key).subscription(({ input }) => messages.subscribe(input).filter(() => true)),
    live: t.procedure.input(key).subscription(({ input }) => messages.subscribe(input)),
    here: t.procedure
      .input(key)
      .subscription(({ input, ctx }) => here.join(input, { member: ctx.name, data: { mood: `mood of ${ctx.name}` } })),
    count: t.procedure.subscription(async function* () {
      yield 1
    }),
  })
  const made = createTestLine({
    line,
    router,
    ...(store && { store }),
    authorize: ({ token = '' }) => ({
      principal: token,
      claims: { mail: `${token}@example` },
      expiresAt: new Date(now + 3_600_000),
    }),
    createContext: (call) => ({ name: String(call.principal) }),
  })
  const call = (id: string, path: string, rest: object = {}) => ({
    id,
    method: path === 'say' ? 'mutation' : 'subscription',
    params: { path, input: { ...room, ...(path === 'say' && { text: id }) }, ref: 1, ...rest },
  })
  /** A connection of a principal with rows of each kind. */
  async function joined(token: string): Promise<TestClient> {
    const client = await made.connect({ token })
    for (const path of ['mine', 'live', 'here', 'count']) await client.send(call(path, path))
    await client.send(call(`secret of ${token}`, 'say', { key: 'own.k' }))
    await client.send({ id: 9, method: 'chunk', params: { message: 'm1', part: 0, of: 2, bytes: 40_000, text: token } })
    return client
  }
  const run = (subject: EraseSubject, options?: EraseOptions) =>
    made.line.withBackend(made.backend, () => erase(made.line, subject, options))
  /** The same, while time passes. */
  const runInTime = async (subject: EraseSubject, options?: EraseOptions) => {
    let isDone = false
    const running = run(subject, options).finally(() => {
      isDone = true
    })
    while (!isDone) await made.clock.advance(5)
    return running
  }
  const dataOf = async (of: string) => (await made.store.readSlots(of, 0, 1_000)).slots.flatMap(({ data = [] }) => data)
  return { ...made, messages, here, runs, call, joined, run, runInTime, dataOf }
}

describe('erasing a principal', () => {
  test('removes what the line holds about it, closes its connections, and leaves others as they are', async () => {
    const line = createRoom()
    const [ann, bob] = [await line.joined('ann'), await line.joined('bob')]
    const keptEvents = await line.dataOf(topic)
    const report = await line.run({ principal: 'ann' })
    expect(report).toMatchObject({ status: 'done', of: { principal: 'ann' } })
    expect(report.counts).toMatchObject({ connections: 1, keys: 1, members: 1, runningKeys: 0, failed: 0 })
    expect(report.counts.subscriptions).toBeGreaterThanOrEqual(4)
    expect(report.counts.runs).toBe(1)
    expect(report.counts.events).toBe(1) // ann's join
    expect((await line.gateway.post(ann.connectionId, '{}')).status).toBe('gone')
    expect((await line.gateway.post(bob.connectionId, '{}')).status).toBe('posted')

    const row = await line.store.readConnection(ann.connectionId)
    expect(row).toMatchObject({ state: 'CLOSED', session: '', principal: null })
    expect(row).not.toHaveProperty('claims')
    expect(await line.store.readPrincipalConnections('ann')).toEqual([])
    expect(await line.store.readPrincipalConnections('bob')).toHaveLength(1)
    expect(await line.store.readSubscriptions(ann.connectionId)).toEqual([])
    const { subscribers } = await line.store.readSubscribers(topic, 0)
    expect(new Set(subscribers.map(({ connectionId }) => connectionId))).toEqual(new Set([bob.connectionId]))
    expect((await line.store.readPresences(hereTopic)).rows.map(({ member }) => member)).toEqual(['bob'])
    expect(await line.store.readPresenceSessions(hereTopic, '', 10)).toHaveLength(1)
    expect((await line.dataOf(hereTopic)).map((data) => JSON.parse(data))).toMatchObject([
      { type: 'join', member: 'bob' },
      { type: 'leave', member: 'ann' },
    ])
    expect(await line.dataOf(topic)).toEqual(keptEvents)
    expect((await line.store.readConnection(bob.connectionId))?.claims).toContain('bob@example')
    expect(await line.store.readParts(ann.connectionId, 'm1', 1)).toEqual([undefined])
    expect(await line.store.readParts(bob.connectionId, 'm1', 1)).toEqual(['bob'])
  })

  test('leaves one effect to a mutation that is sent again: its outcome is unknown [LAW-ONE-EFFECT]', async () => {
    const line = createRoom()
    const ann = await line.joined('ann')
    expect(await ann.send(line.call('secret of ann', 'say', { key: 'own.k' }))).toMatchObject({
      result: { data: 'said secret of ann' },
    })
    await line.run({ principal: 'ann' })
    const again = await line.connect({ token: 'ann' })
    expect(await again.send(line.call('secret of ann', 'say', { key: 'own.k' }))).toMatchObject({
      line: { code: 'OUTCOME_UNKNOWN' },
    })
    expect(line.runs).toEqual(['secret of ann'])
  })

  test('leaves a connection CLOSED: nothing begins on it, and a late subscribe leaves no row', async () => {
    const line = createRoom()
    const ann = await line.joined('ann')
    await line.run({ principal: 'ann' })
    await ann.send({ ...line.call('late', 'live') })
    expect((await line.store.readSubscribers(topic, 0)).subscribers).toEqual([])
    await ann.disconnect()
    expect(await line.store.readConnection(ann.connectionId)).toMatchObject({ state: 'CLOSED', principal: null })
  })

  test('keeps a member whom a session of another principal also makes present', async () => {
    const line = createRoom()
    const shared = { authorize: undefined, ...line }
    const [ann, bob] = [await shared.connect({ token: 'ann' }), await shared.connect({ token: 'bob' })]
    await ann.send(line.call('here', 'here'))
    await bob.send(line.call('here', 'here'))
    await line.run({ principal: 'bob' })
    expect((await line.store.readPresences(hereTopic)).rows.map(({ member }) => member)).toEqual(['ann'])
    expect(await line.dataOf(hereTopic)).toHaveLength(2) // the join of ann, and the leave of bob
  })

  test('tells watchers of a presence that the member left', async () => {
    const line = createRoom()
    const [, bob] = [await line.joined('ann'), await line.joined('bob')]
    await line.run({ principal: 'ann' })
    const { slots } = await line.store.readSlots(hereTopic, 0, 100)
    await line.stream(slots.slice(-1).map((slot) => ({ topic: hereTopic, slot })))
    expect(JSON.stringify(bob.frames())).toContain('{"type":"leave","member":"ann"}')
  })

  test('keeps a ban, so that it goes on, and removes what names the connections', async () => {
    const line = createRoom()
    const ann = await line.joined('ann')
    await line.line.withBackend(line.backend, () =>
      line.line.kick({ principal: 'ann', reason: 'spam', ban: new Date(now + 60_000) }),
    )
    await line.runInTime({ principal: 'ann' })
    const kept = await line.store.readRestrictions('ann')
    expect(kept.map(({ kind }) => kind).sort()).toEqual(['ban', 'kick'])
    expect(await line.store.readPrincipalConnections('ann')).toEqual([])
    expect(await line.store.readConnection(ann.connectionId)).toMatchObject({ state: 'CLOSED', principal: null })
  })

  test('counts a connection that the gateway does not close as failed, and leaves its rows', async () => {
    const line = createRoom()
    const ann = await line.joined('ann')
    const gateway = { ...line.gateway, disconnect: async () => 'failed' as const }
    const clock = { ...line.clock, now: () => now, sleep: async () => {} }
    const report = await line.line.withBackend({ ...line.backend, gateway, clock }, () =>
      erase(line.line, { principal: 'ann' }),
    )
    expect(report.counts).toMatchObject({ connections: 0, failed: 1 })
    expect((await line.store.readConnection(ann.connectionId))?.principal).toBe('ann')
    expect((await line.run({ principal: 'ann' })).counts).toMatchObject({ connections: 1, failed: 0 })
  })

  test.each([
    ['gateway', 'Set TRUNKLINE_CALLBACK_URL'],
    ['erasure', 'the port that finds the rows of a principal'],
  ] as const)('without %s says what is missing', async (name, message) => {
    const line = createRoom()
    await line.joined('ann')
    const { [name]: _, ...backend } = line.backend
    const erased = line.line.withBackend(backend as typeof line.backend, () => erase(line.line, { principal: 'ann' }))
    await expect(erased).rejects.toThrow(message)
  })

  test('finds nothing about a principal of a similar name', async () => {
    const line = createRoom()
    await line.joined('ann')
    expect((await line.run({ principal: 'an' })).counts).toMatchObject({ connections: 0, keys: 0, subscriptions: 0 })
    expect((await line.run({ principal: '' }).catch((thrown: Error) => thrown.message)) as string).toContain('Expected')
  })
})

describe('erasing a topic', () => {
  async function filled(count: number) {
    const line = createRoom()
    for (let n = 1; n <= count; n++)
      await line.asScript(() => line.messages.publish(room, { author: 'ann', text: `t${n}` }))
    return line
  }

  test('removes the data of its events and keeps the slots, so that the log goes on without a hole', async () => {
    const line = await filled(250)
    const bob = await line.connect({ token: 'bob' })
    await bob.send(line.call('live', 'live'))
    const { counts } = await line.run({ topic })
    expect(counts).toMatchObject({ events: 250, members: 0 })
    expect(await line.dataOf(topic)).toEqual([])
    const { slots } = await line.store.readSlots(topic, 0, 1_000)
    expect(slots).toHaveLength(250)
    expect(slots.every(({ erased }) => erased !== undefined)).toBe(true)
    await line.asScript(() => line.messages.publish(room, { author: 'bob', text: 'new' }))
    expect((await line.store.readSlots(topic, 250, 10)).slots).toMatchObject([{ offset: 251 }])
    expect((await line.store.readSubscribers(topic, 0)).subscribers).toHaveLength(1)
  })

  test('takes a channel and a key for its name, and leaves other topics', async () => {
    const line = await filled(3)
    await line.asScript(() => line.messages.publish({ room: 'y' }, { author: 'ann', text: 'other' }))
    expect((await line.run({ channel: 'chat', key: { room: 'x' } })).counts.events).toBe(3)
    expect(await line.dataOf('chat?room=s:y')).toHaveLength(1)
  })

  test('of a channel with partitions erases one of them, which its name may have', async () => {
    const line = createLine()
    const key = z.object({ room: z.string() })
    const ticks = line.channel('ticks', { key, event: z.string(), partitions: 3, partitionBy: (event) => event })
    const made = createTestLine({ line, router: initTRPC.create().router({}), authorize: () => null as never })
    for (let n = 0; n < 30; n++) await made.asScript(() => ticks.publish(room, `e${n}`))
    const logs = ['ticks?room=s:x', 'ticks?room=s:x/1', 'ticks?room=s:x/2']
    const countsOf = () =>
      Promise.all(
        logs.map(async (log) => (await made.store.readSlots(log, 0, 99)).slots.filter(({ data }) => data).length),
      )
    const [, second = 0, third = 0] = await countsOf()
    const run = (subject: object) => line.withBackend(made.backend, () => erase(line, subject as EraseSubject))
    const ofKey = { channel: 'ticks', key: room }
    expect((await run({ ...ofKey, partition: 1 })).counts.events).toBe(second)
    expect(await countsOf()).toEqual([30 - second - third, 0, third])
    expect((await run({ topic: logs[2] })).counts.events).toBe(third)
    expect(await countsOf()).toEqual([30 - second - third, 0, 0])
    expect((await run({ topic: logs[0], partition: 0 })).counts.events).toBe(30 - second - third)
    for (const wrong of [ofKey, { topic: logs[0] }, { ...ofKey, partition: 3 }, { topic: `${logs[0]}/16` }])
      await expect(run(wrong)).rejects.toThrow('Expected a partition from 0 to 2 for channel ticks, got')
    const bare = (subject: object) => erase(createLine({ backend: made.backend }), subject as EraseSubject)
    for (const unnamed of [ofKey, { topic: logs[0] }])
      await expect(bare(unnamed)).rejects.toThrow('Expected a partition from 0 to 2 for channel ticks, got none.')
    expect((await bare({ topic: logs[2] })).counts.events).toBe(0)
    expect((await bare({ ...ofKey, partition: 1 })).counts.events).toBe(0)
    for (const wrong of [{ topic: logs[1], partition: 2 }, { topic: `${logs[1]}/2` }, { topic: `${logs[0]}/one` }])
      await expect(run(wrong)).rejects.toThrow(TypeError)
  })

  test('of a presence ends its members and keeps only names of leaves', async () => {
    const line = createRoom()
    for (const name of ['ann', 'bob']) await (await line.connect({ token: name })).send(line.call('here', 'here'))
    expect((await line.run({ topic: hereTopic })).counts).toMatchObject({ members: 2, events: 2 })
    expect((await line.store.readPresences(hereTopic)).rows).toEqual([])
    expect(await line.store.readPresenceSessions(hereTopic, '', 10)).toEqual([])
    const left = (await line.dataOf(hereTopic)).map((data) => JSON.parse(data))
    expect(left.map(({ type, member, here }) => [type, member, here])).toEqual([
      ['leave', 'ann', 1],
      ['leave', 'bob', 0],
    ])
    expect(JSON.stringify(left)).not.toContain('mood')
    const cat = await line.connect({ token: 'cat' })
    await cat.send(line.call('here', 'here'))
    expect(JSON.parse((await line.dataOf(hereTopic)).at(-1) ?? '')).toMatchObject({ type: 'join', here: 1 })
  })

  test.each([
    [{ topic: 'chat' }, 'such as chat.messages?room=s:7, got "chat"'],
    [{ topic: 'chat?room=x' }, 'Expected the name of a topic'],
    [{ topic: 'chatt?room=s:x' }, 'Expected a topic of a channel of this line (chat, here)'],
    [{ topic: '' }, 'Expected { principal }, { topic } or { channel, key }'],
    [{ topic, principal: 'ann' }, 'Expected { principal }, { topic } or { channel, key }'],
    [{ principal: 7 }, 'each name a text that is not empty'],
    [{ channel: 'chat' }, 'Expected key to be an object'],
    [{}, 'Expected { principal }'],
    [null, 'Expected { principal }'],
  ])('%j is refused before anything is erased', async (subject, message) => {
    const line = await filled(1)
    await expect((async () => line.run(subject as never))()).rejects.toThrow(message)
    expect(await line.dataOf(topic)).toHaveLength(1)
  })

  test.each([
    [{ perSecond: 0 }, 'Expected perSecond to be a number above 0, got'],
    [{ from: {} }, 'Expected `from` to be the state of an erasure'],
    [{ from: { version: 1, step: 'rows', of: { principal: 'ann' } } }, 'got that of {"principal":"ann"}'],
  ])('the options %j are refused', async (options, message) => {
    await expect(createRoom().run({ topic }, options as never)).rejects.toThrow(message)
  })
})

describe('an erasure', () => {
  test('reports what is done, what is left and the rate, at the pace that perSecond asks for', async () => {
    const line = createRoom()
    for (let n = 1; n <= 100; n++)
      await line.asScript(() => line.messages.publish(room, { author: 'ann', text: `t${n}` }))
    const seen: EraseProgress[] = []
    const running = line.run({ topic }, { perSecond: 20, onProgress: (progress) => void seen.push(progress) })
    for (let second = 0; second < 6; second++) await line.clock.advance(1_000)
    await running
    const events = seen.filter(({ step }) => step === 'events')
    expect(events.map(({ done, left, perSecond }) => [done, left, perSecond])).toEqual([
      [0, 100, 0],
      [20, 80, 0],
      [40, 60, 40],
      [60, 40, 30],
      [80, 20, 26.7],
      [100, 0, 25],
    ])
  })

  test.each([
    ['a topic', { topic }],
    ['a principal', { principal: 'ann' }],
  ])('of %s that is stopped after any page continues from its state to the same end', async (_, subject) => {
    const made = async () => {
      const line = createRoom()
      for (const name of ['ann', 'bob', 'ann', 'ann']) await line.joined(name)
      for (let n = 0; n < 150; n++) await line.connect({ token: `other${n}` })
      for (let n = 0; n < 250; n++)
        await line.asScript(() => line.messages.publish(room, { author: 'ann', text: `t${n}` }))
      return line
    }
    const endOf = async (line: Awaited<ReturnType<typeof made>>) => ({
      [topic]: await line.dataOf(topic),
      [hereTopic]: (await line.dataOf(hereTopic)).length,
      here: (await line.store.readPresences(hereTopic)).rows.map(({ member }) => member),
      again: (await line.runInTime(subject)).counts,
    })
    const whole = await made()
    const expected = await whole.runInTime(subject)
    expect(expected.counts.failed).toBe(0)
    const end = await endOf(whole)
    for (let pages = 1, isDone = false; !isDone; pages++) {
      const line = await made()
      let state: EraseState | undefined
      for (let runs = 0; ; runs++) {
        const stop = new AbortController()
        let seen = 0
        const options = {
          signal: stop.signal,
          ...(state && { from: state }),
          onProgress: () => void (runs === 0 && ++seen === pages && stop.abort()),
        }
        const report = await line.runInTime(subject, options)
        state = report.state && (JSON.parse(JSON.stringify(report.state)) as EraseState)
        if (report.status === 'done') {
          expect([pages, report.counts]).toEqual([pages, expected.counts])
          isDone = runs === 0
          break
        }
      }
      expect(await endOf(line)).toEqual(end)
    }
  })

  test('that fails continues from its last state', async () => {
    let fails = false
    const line = createRoom({
      store: (inner) => ({
        ...inner,
        eraseSlot: async (...args: Parameters<Store['eraseSlot']>) => {
          if (fails && args[1] === 150) throw new Error('the table is away')
          return inner.eraseSlot(...args)
        },
      }),
    })
    for (let n = 1; n <= 200; n++)
      await line.asScript(() => line.messages.publish(room, { author: 'ann', text: `t${n}` }))
    fails = true
    const states: EraseState[] = []
    const failed = line.run({ topic }, { onProgress: (_progress, state) => void states.push(state) })
    await expect(failed).rejects.toThrow('the table is away')
    fails = false
    const from = states.at(-1)
    expect(from?.offset).toBe(100)
    expect(await line.run({ topic }, { ...(from && { from }) })).toMatchObject({ status: 'done' })
    expect(await line.dataOf(topic)).toEqual([])
  })

  test('is an audit event with its counts', async () => {
    const line = createRoom()
    await line.joined('ann')
    await line.run({ principal: 'ann' })
    await line.run({ topic })
    expect(audits.map((text) => JSON.parse(text))).toMatchObject([
      { message: 'audit', action: 'erase', principal: 'ann', connections: 1 },
      { message: 'audit', action: 'erase', topic, events: 1 },
    ])
  })
})
