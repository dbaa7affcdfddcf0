import { initTRPC } from '@trpc/server'
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest'
import * as z from 'zod'
import { deny, type LineMeta } from '../define/identity.ts'
import { createSourceHandler } from '../lambda/source/source.ts'
import { inserted, text } from '../lambda/source-records.suite.ts'
import { createTestLine, settle, type TestClient, type TestLine } from '../lambda/test-line.suite.ts'
import { createLine } from '../line/create-line.ts'
import type { Gateway } from '../ports/gateway.ts'
import type { Invoker } from '../ports/invoker.ts'
import type { Store } from '../ports/store.ts'
import { inParts } from './requests/chunked.suite.ts'

/** Counts what a handler asks of its dependencies, and lets one of these calls hang for ever. */
function createHanging() {
  let names: string[] | undefined
  let hangs: (name: string, index: number) => boolean = () => false
  return {
    async at(name: string): Promise<void> {
      names?.push(name)
      if (hangs(name, (names?.length ?? 0) - 1)) await new Promise(() => {})
    },
    begin(which: typeof hangs = () => false) {
      names = []
      hangs = which
    },
    end(): readonly string[] {
      const asked = names ?? []
      names = undefined
      hangs = () => false
      return asked
    },
  }
}
let hanging = createHanging()

const line = createLine()
const key = z.object({ room: z.string() })
const said = key.extend({ text: z.string() })
const events = line.channel('hang', { key, event: z.object({ text: z.string() }) })
const here = line.presence('hang.here', { key, data: z.object({ n: z.number() }) })
const typing = line.ephemeral('hang.typing', { key, event: z.object({ text: z.string() }) })
const answers = line.stream('hang.answers', {
  key,
  input: z.object({ text: z.string() }),
  chunk: z.object({ text: z.string() }),
  async *produce({ input, signal }) {
    yield { text: input.text }
    if (input.text === 'silent') await new Promise((resolve) => signal.addEventListener('abort', resolve))
  },
})
const t = initTRPC.meta<LineMeta>().create()
const asked = t.procedure.use(async ({ next }) => {
  await hanging.at('procedure')
  return next()
})
const router = t.router({
  whoami: asked.query(() => 'you'),
  long: asked.meta({ longRunning: true }).query(() => 'late'),
  longPost: asked
    .meta({ longRunning: true })
    .input(said)
    .mutation(() => 'late'),
  seldom: asked.meta({ rate: '1/h' }).mutation(() => 'once'),
  post: asked.input(said).mutation(({ input: { text, ...room } }) => events.publish(room, { text })),
  repeat: asked
    .meta({ repeatable: true })
    .input(said)
    .mutation(({ input: { text, ...room } }) => events.publish(room, { text })),
  ask: asked.input(said).mutation(({ input: { text, ...room } }) => answers.start(room, { text })),
  end: asked.input(key).mutation(({ input }) => answers.stop(input)),
  forget: asked.input(key).mutation(({ input }) => answers.erase(input)),
  state: asked.input(key).query(({ input }) => answers.status(input)),
  watch: asked.input(key).subscription(({ input }) => answers.subscribe(input)),
  erase: asked.input(key).mutation(({ input }) => events.erase(input, 1)),
  type: asked.input(said).mutation(({ input: { text, ...room } }) => typing.publish(room, { text })),
  live: asked.input(key).subscription(({ input }) => events.subscribe(input, { replay: 5 })),
  loud: asked.input(key).subscription(({ input }) => events.subscribe(input).filter(() => true)),
  page: asked.input(key).subscription(({ input }) =>
    events.subscribe(input).startWith(async () => {
      await hanging.at('startWith')
      return { text: 'state' }
    }),
  ),
  joined: asked.input(key).subscription(({ input }) => here.join(input, { member: 'ann', data: { n: 0 } })),
  watched: asked.input(key).subscription(({ input }) => here.watch(input)),
  mark: asked.input(said).mutation(({ input: { room } }) => here.update({ room }, { n: 1 })),
  kick: asked.mutation(() => line.kick({ principal: 'ann', reason: 'spam' })),
  members: asked.input(key).query(({ input }) => here.read(input)),
  onTyping: asked.input(key).subscription(({ input }) => typing.subscribe(input)),
  count: asked.subscription(async function* () {
    yield 1
    yield 2
  }),
})

const source = createSourceHandler({
  line,
  image: z.object({ id: z.string() }),
  toEvents: ({ newImage }) => [
    events.entry({ room: 'x' }, { text: newImage?.id ?? '' }),
    typing.entry({ room: 'x' }, { text: '' }),
  ],
})

/** A line whose every dependency asks first. */
function createHangingLine(): TestLine {
  hanging = createHanging()
  const own = hanging
  const made = createTestLine({
    line,
    router,
    authorize: async ({ token }) => {
      await own.at('authorize')
      if (token === 'mallory') return deny('No.')
      const [principal = '', claims = null] = (token ?? 'ann').split('/')
      const hours = claims === 'brief' ? 1 : 100
      return { principal, claims, expiresAt: new Date(1_800_000_000_000 + hours * 3_600_000) }
    },
    createContext: (async () => {
      await own.at('createContext')
      return {}
    }) as never,
    onError: () => {},
    store: (inner) =>
      new Proxy(inner, {
        get(target, name) {
          const member: unknown = Reflect.get(target, name)
          if (typeof member !== 'function') return member
          return async (...args: readonly unknown[]) => {
            await own.at(String(name))
            return Reflect.apply(member, target, args) as unknown
          }
        },
      }),
    invoker: (inner) => ({
      kind: inner.kind,
      invoke: async (...args) => {
        await own.at('invoke')
        await inner.invoke(...args)
      },
      invokeDelayed: async () => own.at('invokeDelayed'),
    }),
  })
  made.gateway.intercept = async () => {
    await own.at('post')
    return undefined
  }
  const { disconnect } = made.gateway
  made.gateway.disconnect = async (...args) => {
    await own.at('disconnect')
    return disconnect(...args)
  }
  return made
}

const room = { room: 'x' }
const topic = 'hang?room=s:x'
const call = (path: string, input?: object, params: object = {}) => ({
  id: 'm',
  method: ['whoami', 'long', 'members'].includes(path) ? 'query' : 'mutation',
  params: { path, input, ...params },
})
const subscription = (path: string, params: object = {}) => ({
  id: 7,
  method: 'subscription',
  params: { path, ...(path === 'count' ? {} : { input: room }), ref: 1, ...params },
})
const auth = (token: string) => ({ id: 'a', method: 'auth', params: { token } })
const post = call('post', { ...room, text: 'x' })
const publish = (made: TestLine) => made.asScript(() => events.publish(room, { text: 'x' }))
/** A slot's record of the stream. */
function slotAt(made: TestLine, offset: number, rest: object = {}) {
  const time = made.clock.now()
  const expires = Math.ceil(time / 1_000) + 72 * 3_600
  return { topic, slot: { offset, epoch: 'e1', publishId: `p${offset}`, time, expires, data: '{"text":"x"}', ...rest } }
}
const jobOf = (made: TestLine, job: object) =>
  made.line.withBackend(made.backend, () => made.handlers.deliver(job, lifeOf(28_000)))
const lifeOf = (ms: number) => ({ getRemainingTimeInMillis: () => ms })

/** A scenario: the state before, and the one run of a handler that is observed. */
interface Scenario {
  readonly before?: (made: TestLine) => Promise<TestClient | undefined>
  readonly act: (made: TestLine, client: TestClient) => Promise<unknown>
  /** The remaining time of the function when the operation starts. */
  readonly lifeMs?: number
}
const frame = (message: unknown, before?: Scenario['before']): Scenario => ({
  ...(before === undefined ? {} : { before }),
  act: (_, client) => client.send(message),
})
/** A client is subscribed to this path. */
const withListener =
  (path: string, how: { readonly stock?: boolean } = {}) =>
  async (made: TestLine) => {
    const listener = await made.connect(how)
    await listener.send(subscription(path))
    return undefined
  }
const subscribedTo = (path: string) => async (made: TestLine) => {
  const client = await made.connect()
  await client.send(subscription(path))
  return client
}
const subscribed = subscribedTo('live')
/** A sync of the one subscription, from where it began. */
const sync = async (_: TestLine, client: TestClient) => {
  const frames = client.frames() as readonly { result: { from?: string } }[]
  const from = frames.find(({ result }) => result.from !== undefined)?.result.from
  return client.send({ id: 's', method: 'sync', params: { subscriptions: [{ id: 7, ref: 1, from }] } })
}
/** Ann was here, and her connection was lost. */
const lost = async (made: TestLine) => {
  const client = await subscribedTo('joined')(made)
  await client.disconnect()
  return client
}
const queued = (payload: object) => ({
  Records: [{ messageId: 'm1', eventSource: 'aws:sqs', body: JSON.stringify(payload) }],
})
const ofRoom = (path: string, method = 'mutation') => ({ id: 7, method, params: { path, input: room } })
const ask = call('ask', { ...room, text: 'one' })
/** A client has started the stream. `silent` yields once and waits. */
const began = (words: string) => async (made: TestLine) => {
  const client = await made.connect()
  await client.send(call('ask', { ...room, text: words }))
  return client
}
/** Runs the worker of the stream for a minute. */
const work = (made: TestLine) => {
  const until = made.clock.now() + 60_000
  return made.work({ kind: 'stream', topic: 'hang.answers?room=s:x' }, { remaining: () => until - made.clock.now() })
}
const hereTopic = 'hang.here?room=s:x'
/** A member's record of the stream. */
const memberRecord = {
  Records: [
    {
      eventName: 'MODIFY',
      dynamodb: {
        SequenceNumber: '1',
        NewImage: { pk: { S: `PRES#${hereTopic}` }, sk: { S: 'M#ann' }, pending: { BOOL: true } },
      },
    },
  ],
}

const scenarios = {
  'authorizer and $connect': { act: (made) => made.connect({ token: 'bob' }) },
  hello: frame({ id: 'h', method: 'hello' }),
  query: frame(call('whoami')),
  'a publish that nobody hears': frame(post),
  'an erase': frame({ id: 'm', method: 'mutation', params: { path: 'erase', input: { room: 'x' } } }),
  'a publish to one subscriber': frame(post, withListener('live')),
  'a publish to a filter': frame(post, withListener('loud')),
  'a publish to a stock client': frame(post, withListener('live', { stock: true })),
  'an ephemeral publish': frame(call('type', { ...room, text: 'x' }), withListener('onTyping')),
  'a keyed mutation': frame({ ...post, params: { ...post.params, key: 'own.k' } }),
  'a keyed mutation again': frame({ ...post, params: { ...post.params, key: 'own.k' } }, async (made) => {
    const client = await made.connect()
    await client.send({ ...post, params: { ...post.params, key: 'own.k' } })
    return client
  }),
  'a keyed mutation whose first function died': frame(
    call('repeat', { ...room, text: 'x' }, { key: 'own.k' }),
    async (made) => {
      const client = await made.connect()
      hanging.begin((name) => name === 'settleKey')
      void client.send(call('repeat', { ...room, text: 'x' }, { key: 'own.k' })).catch(() => {})
      await settle()
      hanging.end()
      await made.clock.advance(120_000)
      return client
    },
  ),
  'a keyed mutation beyond its rate': frame(call('seldom', undefined, { key: 'own.r' }), async (made) => {
    const client = await made.connect()
    await client.send(call('seldom'))
    return client
  }),
  'a subscribe': frame(subscription('live')),
  'a subscribe with a filter': frame(subscription('loud')),
  'a subscribe with a state': frame(subscription('page')),
  'a stock subscribe': frame(subscription('live'), (made) => made.connect({ stock: true })),
  'a subscribe to an ageing log': frame(subscription('live'), async (made) => {
    await publish(made)
    await made.clock.advance(50 * 3_600_000)
    return made.connect()
  }),
  'a resume': frame(subscription('live', { lastEventId: '0.gone:1' })),
  'a subscribe of a generator': frame(subscription('count')),
  'a stop': frame({ id: 7, method: 'subscription.stop', params: { ref: 1 } }, subscribed),
  'a sync': { before: subscribed, act: sync },
  auth: frame(auth('ann'), subscribed),
  'auth with other claims': frame(auth('ann/more'), subscribedTo('loud')),
  'a publish to one whose authority was renewed': frame(post, async (made) => {
    const client = await made.connect({ token: 'ann/brief' })
    await client.send(subscription('live'))
    await client.send(auth('ann'))
    await made.clock.advance(1.5 * 3_600_000)
    return made.connect()
  }),
  'the last chunk of two': {
    before: async (made) => {
      const client = await made.connect()
      await client.send(inParts(call('whoami'), 2)[0])
      return client
    },
    act: (_, client) => client.send(inParts(call('whoami'), 2)[1]),
  },
  connectionParams: frame({ method: 'connectionParams', data: { a: 'b' } }, (made) =>
    made.connect({ stock: true, query: { connectionParams: '1' } }),
  ),
  'connect of a client that announces parameters': {
    act: (made) => made.connect({ stock: true, query: { connectionParams: '1' } }),
  },
  'the check of an unconfirmed connection': {
    before: (made) => made.connect({ token: 'mallory' }),
    act: (made, { connectionId }) => jobOf(made, queued({ unconfirmed: { connectionId } })),
  },
  'a kick of all connections of a principal': frame(call('kick'), async (made) => {
    await subscribed(made)
    return made.connect({ token: 'bob' })
  }),
  $disconnect: { before: subscribed, act: (_, client) => client.disconnect() },
  'hello of a refused connection': frame({ id: 'h', method: 'hello' }, (made) => made.connect({ token: 'mallory' })),
  'a subscribe that is present': frame(subscription('joined')),
  'a subscribe that watches': frame(subscription('watched'), async (made) => {
    await subscribedTo('joined')(made)
    return made.connect()
  }),
  'new data of who is present': frame(call('mark', { ...room, text: '' }), subscribedTo('joined')),
  'a question who is present': frame(call('members', room), subscribedTo('joined')),
  'a stop of who is present': frame({ id: 7, method: 'subscription.stop', params: { ref: 1 } }, subscribedTo('joined')),
  'a sync of who is present, whose lease is half over': {
    before: async (made) => {
      const client = await subscribedTo('joined')(made)
      await made.clock.advance(7 * 60_000)
      return client
    },
    act: sync,
  },
  '$disconnect of who is present': { before: subscribedTo('joined'), act: (_, client) => client.disconnect() },
  'a look at who was lost': {
    before: async (made) => {
      await lost(made)
      await made.clock.advance(60_000)
      return undefined
    },
    act: (made) => jobOf(made, queued({ presence: { topic: hereTopic, member: 'ann' } })),
  },
  'the same as an operator asks for it': {
    before: async (made) => {
      await lost(made)
      await made.clock.advance(60_000)
      return undefined
    },
    act: (made) => jobOf(made, { presence: { topic: hereTopic, member: 'ann' } }),
  },
  'a long call': frame(call('long')),
  'a long call with a key': frame(call('longPost', { ...room, text: 'x' }, { key: 'own.l' })),
  'the worker of a long call': {
    before: async (made) => {
      const client = await made.connect()
      await client.send(call('long'))
      return client
    },
    act: (made) => made.work(undefined, { remaining: () => 60_000 }),
    lifeMs: 60_000,
  },
  'the worker of a generator': {
    before: async (made) => {
      const client = await made.connect()
      await client.send(subscription('count'))
      return client
    },
    act: (made) => made.work(undefined, { remaining: () => 60_000 }),
    lifeMs: 60_000,
  },
  'the worker of a generator that starts late': {
    before: async (made) => {
      const client = await made.connect()
      await client.send(subscription('count'))
      await made.clock.advance(20_000)
      return client
    },
    act: (made) => made.work(undefined, { remaining: () => 60_000 }),
    lifeMs: 60_000,
  },
  'the table’s stream': {
    before: withListener('live'),
    act: (made) => made.stream([slotAt(made, 2), slotAt(made, 3, { inline: made.clock.now() + 1_000 })]),
    lifeMs: 60_000,
  },
  'a source': {
    act: (made) =>
      made.line.withBackend(made.backend, () => source({ Records: [inserted({ id: text('1') })] }, lifeOf(28_000))),
  },
  'the table’s stream of a member': {
    before: subscribedTo('joined'),
    act: (made) => made.line.withBackend(made.backend, () => made.handlers.tableStream(memberRecord, lifeOf(60_000))),
    lifeMs: 60_000,
  },
  'a publish to a stock client that another function posts to': frame(post, async (made) => {
    const listener = await made.connect({ stock: true })
    await listener.send(subscription('live'))
    const row = { topic, shard: 0, connectionId: listener.connectionId, id: '7', ref: 1 }
    await made.store.acquireDeliveryLock(row, { by: 'another', until: made.clock.now() + 60_000 })
    return undefined
  }),
  'deliver of a shard that is full': {
    before: async (made) => {
      await withListener('live')(made)
      await publish(made)
      const [slot] = (await made.store.readSlots(topic, 1, 1)).slots
      const holder = { jobId: 'j', leaseId: 'j 1', expiresAt: made.clock.now() + 45_000, start: 2 }
      const covered = { epoch: slot?.epoch ?? '', from: 2, through: 2, expires: 1 }
      await made.store.putShardLease({ topic, shard: 0, version: 'm', ...covered, holder }, undefined)
      return undefined
    },
    act: (made) => jobOf(made, { topic, offset: 2, shard: 0, turn: 'j', taking: 'j 1', from: '', rows: 5_000 }),
  },
  'a delivery that was put off': {
    before: async (made) => {
      await withListener('live')(made)
      await publish(made)
      return undefined
    },
    act: (made) => jobOf(made, queued({ topic, offset: 2, shard: 0 })),
  },
  'a resend of a keyed mutation': frame({ ...post, params: { ...post.params, key: 'own.k' } }),
  'deliver of a shard': {
    before: async (made) => {
      await withListener('live')(made)
      await publish(made)
      return undefined
    },
    act: async (made) => jobOf(made, { topic, offset: 2, shard: 0 }),
  },
  'a start of a stream': frame(ask),
  'a stop of a stream': frame(ofRoom('end'), began('one')),
  'an erase of a stream': frame(ofRoom('forget'), began('one')),
  'a subscribe to a stream': frame(ofRoom('watch', 'subscription'), began('one')),
  'a status of a stream whose producer died': frame(ofRoom('state', 'query'), async (made) => {
    const client = await began('silent')(made)
    void work(made)
    await settle()
    await made.clock.advance(300)
    made.clock.time += 46_000
    return client
  }),
  'a status of a stream that waits': frame(ofRoom('state', 'query'), began('one')),
  'the worker of a stream': { before: began('one'), act: work, lifeMs: 60_000 },
  'the worker of a silent stream': { before: began('silent'), act: work, lifeMs: 60_000 },
  'deliver to whom a post failed': {
    before: async (made) => {
      const client = await subscribed(made)
      await publish(made)
      return client
    },
    act: (made, { connectionId }) => jobOf(made, { topic, offset: 2, to: [{ connectionId, id: '7', shard: 0 }] }),
  },
} satisfies Readonly<Record<string, Scenario>>

/**
 * Everything that a function may wait for: each operation of each port (the compiler checks that none is missing) and
 * the application's own code. Each has a request that waits for it.
 */
const reachedBy: Readonly<
  Record<
    | Exclude<keyof Store | keyof Gateway | keyof Invoker, 'kind'>
    | 'authorize'
    | 'createContext'
    | 'procedure'
    | 'startWith',
    keyof typeof scenarios
  >
> = {
  putSlot: 'a publish that nobody hears',
  readSlots: 'a resume',
  readSlotsBefore: 'a publish that nobody hears',
  extendSlot: 'a subscribe to an ageing log',
  eraseSlot: 'an erase',
  putStreamInput: 'a start of a stream',
  readStreamInput: 'the worker of a stream',
  putStreamSign: 'the worker of a silent stream',
  readStreamSign: 'a status of a stream whose producer died',
  takeStreamPoke: 'a status of a stream that waits',
  deleteStreamRows: 'an erase of a stream',
  putConnection: 'authorizer and $connect',
  readConnection: 'the worker of a long call',
  readConnectionAndShards: 'a subscribe',
  closeConnection: '$disconnect',
  putConnectionParams: 'connectionParams',
  claimSubscription: 'a subscribe',
  stopSubscription: 'a stop',
  readSubscription: 'the worker of a generator',
  claimRun: 'a subscribe of a generator',
  passRun: 'the worker of a generator',
  readSubscriptions: 'a sync',
  putSubscriber: 'a subscribe',
  readSubscriber: 'deliver to whom a post failed',
  readSubscribersOf: 'a subscribe with a filter',
  stopSubscriber: 'a stop',
  deleteSubscriber: '$disconnect',
  setSubscriberAuthExp: 'a publish to one whose authority was renewed',
  setSubscriberClaims: 'auth with other claims',
  acquireDeliveryLock: 'a publish to a stock client',
  requestOffset: 'a publish to a stock client that another function posts to',
  releaseDeliveryLock: 'a publish to a stock client',
  readSubscribers: 'a publish that nobody hears',
  growShards: 'deliver of a shard that is full',
  readSyncStates: 'a sync',
  renewConnection: 'auth',
  settleClaims: 'auth with other claims',
  addToCount: 'a subscribe',
  claimKey: 'a keyed mutation',
  takeKey: 'a keyed mutation whose first function died',
  settleKey: 'a keyed mutation',
  releaseKey: 'a keyed mutation beyond its rate',
  recordBase: 'a keyed mutation',
  readKey: 'a long call with a key',
  openUpload: 'the last chunk of two',
  closeUpload: 'the last chunk of two',
  putPart: 'the last chunk of two',
  notePart: 'the last chunk of two',
  claimUpload: 'the last chunk of two',
  readParts: 'the last chunk of two',
  putPresence: 'a subscribe that is present',
  deletePresence: 'a look at who was lost',
  readPresence: 'a subscribe that is present',
  putPresenceSession: 'a subscribe that is present',
  deletePresenceSession: 'a stop of who is present',
  readPresenceSessions: 'new data of who is present',
  readPresences: 'a subscribe that is present',
  readSweep: 'a sync of who is present, whose lease is half over',
  moveSweep: 'a sync of who is present, whose lease is half over',
  putPrincipalConnection: 'authorizer and $connect',
  deletePrincipalConnection: '$disconnect',
  readPrincipalConnections: 'a kick of all connections of a principal',
  putRestriction: 'a kick of all connections of a principal',
  readRestrictions: 'authorizer and $connect',
  putReceipt: 'a publish that nobody hears',
  hasReceipts: 'the table’s stream',
  readShardLease: 'deliver of a shard',
  putShardLease: 'deliver of a shard',
  takeRunPlace: 'a long call',
  renewRunPlace: 'the worker of a generator that starts late',
  releaseRunPlace: 'the worker of a long call',
  addToRate: 'a keyed mutation beyond its rate',
  post: 'a publish to one subscriber',
  disconnect: 'hello of a refused connection',
  invoke: 'a long call',
  invokeDelayed: '$disconnect of who is present',
  authorize: 'authorizer and $connect',
  createContext: 'query',
  procedure: 'query',
  startWith: 'a subscribe with a state',
}

/** In which handlers each was hung. */
const hung = new Map<string, string[]>()

/** Runs a scenario with one hanging call, advances the clock, and returns after how much time the handler ended. */
async function run(scenario: Scenario, hangs?: (name: string, index: number) => boolean) {
  const made = createHangingLine()
  const client = (await scenario.before?.(made)) ?? (await made.connect())
  const from = made.clock.now()
  let over: number | undefined
  hanging.begin(hangs)
  const note = () => {
    over ??= made.clock.now() - from
  }
  void scenario.act(made, client).then(note, note)
  await settle()
  for (const limit = from + (scenario.lifeMs ?? 28_000); over === undefined && made.clock.now() < limit; )
    await made.clock.advance(500)
  return { asked: hanging.end(), over }
}

beforeEach(() => {
  vi.spyOn(console, 'error').mockImplementation(() => {}) // a source logs each change that it could not publish
})
afterAll(() => vi.restoreAllMocks())

describe('[LAW-DEADLINE]: no function is ended by its own timeout, whatever hangs', () => {
  test.each(Object.entries<Scenario>(scenarios))('%s', async (handler, scenario) => {
    const { asked, over } = await run(scenario)
    expect(over).toBeDefined()
    for (const [index, name] of asked.entries()) {
      const { asked: asking, over: ended } = await run(scenario, (_, at) => at === index)
      expect(asking[index], `the ${index}th call`).toBe(name) // else another was hung than is claimed
      hung.set(name, [...(hung.get(name) ?? []), handler])
      expect(ended, `${name}, call ${index} of ${asked.length}, hangs`).toBeLessThan(scenario.lifeMs ?? 28_000)
    }
  })
})

describe('the table of what hangs', () => {
  test.each(Object.entries(reachedBy))('%s was hung in «%s»', (name, handler) => {
    expect(hung.get(name) ?? []).toContain(handler)
  })

  test('names everything that any handler waits for', () => {
    expect([...hung.keys()].filter((name) => !Object.hasOwn(reachedBy, name))).toEqual([])
  })
  afterAll(() => {
    const calls = [...hung.values()].reduce((sum, handlers) => sum + handlers.length, 0)
    console.log(
      `[LAW-DEADLINE]: ${Object.keys(scenarios).length} handlers, ${hung.size} kinds of calls, ${calls} calls, each hung`,
    )
  })
})
