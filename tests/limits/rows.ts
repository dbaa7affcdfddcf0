// More than 200 lines: every frame that the document counts, in one place.
import { limits, toChunks } from '@trunkline/protocol'
import type { Connection, ConnectOptions, World } from './world.ts'

/** A row of the document. */
export interface Row {
  readonly name: string
  /** The method of its frames; absent where no frame of a client is counted. */
  readonly method?: string
  /** Prepares the world, and returns what is counted. */
  readonly prepare: (world: World) => Promise<() => Promise<unknown>>
}

/** How many of each thing the rows use. The document names them. */
const sizes = {
  events: 300,
  array: 100,
  subscriptions: 100,
  members: 1_000,
  subscribers: 10,
  ended: 2_000,
} as const

export const input = { room: 'x' }
export const text = 'x'.repeat(100)

export const query = (path: string, id: unknown = 1) => ({ id, method: 'query', params: { path } })
export const post = (path: string, id: unknown = 1) => ({
  id,
  method: 'mutation',
  params: { path, input: { ...input, text } },
})
export const keyed = (frame: ReturnType<typeof post>) => ({
  ...frame,
  params: { ...frame.params, key: `own.k${frame.id}` },
})
export const subscribe = (path: string, id: unknown = 1) => ({
  id,
  method: 'subscription',
  params: { path, input, ref: 1 },
})
export const stop = (id: unknown) => ({ id, method: 'subscription.stop', params: { ref: 1 } })
export const sync = (from: string, ids: readonly number[], id: unknown = 's') => ({
  id,
  method: 'sync',
  params: { subscriptions: ids.map((each) => ({ id: each, ref: 1, from })) },
})
const all = Array.from({ length: sizes.subscriptions }, (_, index) => index)
const same = Array.from({ length: 200 }, () => 1)
export const auth = (token: string) => ({ id: 'a', method: 'auth', params: { token } })
const chunksOf = (message: unknown) => toChunks({ id: 'c', message: 'm', text: JSON.stringify(message) }, 32_768)
const many = <T>(count: number, make: (index: number) => T) => Array.from({ length: count }, (_, index) => make(index))

/** A row whose counted part is one message, on a connection that `before` prepared. */
export function sends(
  name: string,
  method: string,
  message: (from: string) => object | string,
  { options, before = async () => '' }: { readonly options?: ConnectOptions; readonly before?: Before } = {},
): Row {
  return {
    name,
    method,
    async prepare(world) {
      const connection = await world.connect(options)
      const sent = message(await before(world, connection))
      return () => world.send(connection, sent)
    },
  }
}

export type Before = (world: World, connection: Connection) => Promise<string>

/** Publishes, and returns the position of the first event. */
export async function publish(world: World, count: number): Promise<string> {
  let first = ''
  await world.run(async () => {
    for (let n = 0; n < count; n++) {
      const { id } = await world.application.events.publish(input, { text })
      if (n === 0) first = id
    }
  })
  return first
}

const queries = many(sizes.array, (index) => query('whoami', index))
const perCaller = { frames: '50/s', subscribes: '50/s', publishedBytes: '100000/s' } as const
/** From now on the line has all rates, and each frame and each event is sampled, or none is. */
const sampling =
  (isSampled: boolean): Before =>
  async (world) => {
    world.setRates({ connection: perCaller, principal: perCaller })
    world.clock.random = () => (isSampled ? 0 : 0.999)
    return ''
  }
const flooding: Before = async (world, connection) => {
  await sampling(true)(world, connection)
  for (let n = 0; n < 2; n++) await world.send(connection, queries)
  return ''
}

export const withLog: Before = (world) => publish(world, 1)
const subscribedTo =
  (...paths: readonly string[]): Before =>
  async (world, connection) => {
    await publish(world, 1)
    for (const [index, path] of paths.entries()) await world.send(connection, subscribe(path, index + 1))
    world.clock.time += 60_000
    return ''
  }
/** Makes the log of the topic `sizes.events` long. */
async function lengthen(world: World, first: string): Promise<void> {
  const offset = Number(first.split(':')[1])
  const offsets = many(sizes.events - 1, (index) => String(offset + 1 + index).padStart(16, '0'))
  await world.copyItem('LOG#', offsets)
}

const behind: Before = async (world, connection) => {
  const first = await publish(world, 1)
  await world.send(connection, subscribe('loud'))
  await lengthen(world, first)
  return first
}
const manySubscriptions =
  (path: string): Before =>
  async (world, connection) => {
    const first = await publish(world, 1)
    await world.send(
      connection,
      many(sizes.subscriptions, (index) => subscribe(path, index)),
    )
    world.clock.time += 60_000
    return first
  }
const manyBehind: Before = async (world, connection) => {
  const first = await manySubscriptions('loud')(world, connection)
  await lengthen(world, first)
  return first
}

/** A publish to a number of subscribers, on connections of their own. */
export function delivers(name: string, path: string, count: number): Row {
  return {
    name,
    async prepare(world) {
      await publish(world, 1)
      for (let n = 0; n < count; n++) await world.send(await world.connect(), subscribe(path))
      const publisher = await world.connect()
      return () => world.send(publisher, post(path === 'rechecked' ? 'retell' : 'post'))
    },
  }
}

/** An `update` of a session that never joined, where others are present. */
const updates = (name: string, message: object): Row => ({
  name,
  method: 'mutation',
  async prepare(world) {
    await world.send(await world.connect(), subscribe('join'))
    await world.copyItem(
      'PRES#',
      many(sizes.members - 1, (index) => `M#member-${index}`),
    )
    const stranger = await world.connect()
    return () => world.send(stranger, message)
  },
})

/** Many subscriptions of one connection to a channel that asks, in its own row and in the topic's row of each. */
const manyGuarded: Before = async (world, connection) => {
  await world.send(connection, subscribe('guarded'))
  const ids = many(sizes.ended - 1, (index) => index + 2)
  await world.copyItem(
    'CONN#',
    ids.map((id) => `SUB#${id}`),
  )
  await world.copyItem(
    'SUBS#',
    ids.map((id) => `${connection.id}#${id}`),
  )
  world.clock.time += 60_000
  return ''
}

/** A row whose counted part is one HTTP request, on a connection whose `before` frames were sent. */
export function posts(
  name: string,
  frames: (from: string) => readonly object[],
  {
    before,
    method,
    token,
  }: { readonly before?: readonly object[]; readonly method?: string; readonly token?: string } = {},
): Row {
  return {
    name,
    ...(method !== undefined && { method }),
    async prepare(world) {
      const from = await publish(world, 1)
      if (before === undefined) return () => world.http(undefined, frames(from), token)
      const opened = await world.http(undefined, [{ id: 'h', method: 'hello' }])
      const connectionId = opened.headers['trunkline-connection']
      await world.http(connectionId, before)
      return () => world.http(connectionId, frames(from))
    },
  }
}

/** A row whose counted part reads a log over HTTP, from the position after its first event. */
function reads(
  name: string,
  path: string,
  {
    rest = () => '',
    before,
    method,
  }: { readonly rest?: (from: string) => string; readonly before?: 'long' | 'none'; readonly method?: 'HEAD' } = {},
): Row {
  return {
    name,
    async prepare(world) {
      const from = before === 'none' ? '' : await publish(world, 1)
      if (before === 'long') await lengthen(world, from)
      return () => world.read(path, rest(from), method)
    },
  }
}

/** A cursor as the read API has it. */
const offsetOf = (cursor: string) => `${(cursor.split(':')[1] ?? '').padStart(16, '0')}_${cursor.split(':')[0]}`
const waits = (from: string) => `&live=long-poll&offset=${offsetOf(from)}`

const poll = (from: string, ids: readonly number[], state: object | true = true) => {
  const { id, method, params } = sync(from, ids)
  return { id, method, params: { ...params, poll: state } }
}
/** A poll whose positions were verified by an earlier one. */
export const pollAgain = (from: string, ids: readonly number[]) =>
  poll(from, ids, { nextMs: 1_000, verified: 1_800_000_000_000 })

/** A connection of which something is counted up to its bound. */
const full =
  (name: Parameters<World['fill']>[1], count: number, before: Before = async () => ''): Before =>
  async (world, connection) => {
    const found = await before(world, connection)
    await world.fill(connection, name, count)
    return found
  }

const opened: Before = async (world, connection) => {
  for (const message of ['a', 'b', 'c', 'd'])
    await world.send(connection, toChunks({ id: 'c', message, text: 'x'.repeat(70_000) }, 32_768)[0] ?? '')
  return ''
}

/** A topic with watchers, and members on connections of their own. */
export async function present(world: World, count: number): Promise<readonly Connection[]> {
  for (let n = 0; n < sizes.subscribers; n++) await world.send(await world.connect(), subscribe('watch'))
  const joined: Connection[] = []
  for (let n = 0; n < count; n++) {
    const connection = await world.connect()
    await world.send(connection, {
      ...subscribe('joinAs'),
      params: { path: 'joinAs', input: { room: 'x', text: `m${n}` }, ref: 1 },
    })
    joined.push(connection)
  }
  world.clock.time += 60_000
  return joined
}

/** A row that counts what these members do, or what is done with them, at once. */
function presence(
  name: string,
  act: (world: World, members: readonly Connection[]) => Promise<unknown>,
  count = 1,
): Row {
  return {
    name,
    async prepare(world) {
      const joined = await present(world, count)
      return () => act(world, joined)
    },
  }
}
const inTurn = async (world: World, connections: readonly Connection[]) => {
  for (const connection of connections) await world.disconnect(connection)
}
/** The check of each member whose connection was lost, when its lease has ended. */
const checked = (name: string, count: number): Row => ({
  name,
  async prepare(world) {
    await inTurn(world, await present(world, count))
    return () => world.runDelayed()
  },
})

/** A row that counts what ends this many connections of `ann`, or one by its id; without the `$disconnect` of each. */
const ends = (name: string, path: 'kick' | 'revoke', count?: number): Row => ({
  name,
  method: 'mutation',
  async prepare(world) {
    const connections: Connection[] = []
    for (let n = 0; n < (count ?? 1); n++) connections.push(await world.connect(ann.options))
    const caller = await world.connect()
    world.clock.time += 60_000 // no kick waits for a connect that runs
    const input = count === undefined ? { connection: connections[0]?.id } : { principal: 'ann' }
    return () => world.send(caller, { id: 1, method: 'mutation', params: { path, input } })
  },
})
/** A row that counts what happens after the only connection of `ann` was kicked, and `ann` perhaps banned. */
const afterKick = (name: string, act: (world: World, kicked: Connection) => Promise<unknown>, ban?: Date): Row => ({
  name,
  async prepare(world) {
    const connection = await world.connect(ann.options)
    world.clock.time += 60_000
    await world.run(() => world.application.line.kick({ principal: 'ann', reason: 'spam', ...(ban && { ban }) }))
    return () => act(world, connection)
  },
})
const farAway = new Date('2100-01-01')

export const ann = { options: { token: 'ann-1' } }
const moved = { options: { token: 'ann-moved' } }
const { array, events, subscriptions, members, subscribers, ended } = sizes
const { connectionSubscriptions, unknownStops } = limits

/** A call or a subscribe of a stream, each of its own. */
export const ofStream = (path: string, method: 'mutation' | 'subscription', id = 1) => ({
  id,
  method,
  params: { path, input: { ...input, text: `s${id}` }, ...(method === 'subscription' && { ref: 1 }) },
})
/** Streams that were started, produced and have ended. */
const endedStreams =
  (count: number): Before =>
  async (world) => {
    for (let n = 1; n <= count; n++) await world.run(() => world.application.answers.start({ room: `s${n}` }, {}))
    return ''
  }

/** Streams that were started, and that no worker has begun in time. */
const lostStreams =
  (count: number): Before =>
  async (world) => {
    const { answers } = world.application
    await world.runLost(() => Promise.all(many(count, (index) => answers.start({ room: `s${index + 1}` }, {}))))
    return ''
  }

/** The rows of each table of the document. */
export const tables: Readonly<Record<string, readonly Row[]>> = {
  Connections: [
    { name: 'connect', prepare: async (world) => () => world.connect() },
    { name: 'connect with a token', prepare: async (world) => () => world.connect(ann.options) },
    { name: 'a refused connect', prepare: async (world) => () => world.connect({ token: 'denied' }) },
    {
      name: 'disconnect',
      async prepare(world) {
        const connection = await world.connect()
        return () => world.disconnect(connection)
      },
    },
    {
      name: `disconnect with ${subscriptions} subscriptions`,
      async prepare(world) {
        const connection = await world.connect()
        await manySubscriptions('live')(world, connection)
        return () => world.disconnect(connection)
      },
    },
    sends('`hello`', 'hello', () => ({ id: 'h', method: 'hello' })),
    sends('`ping`', 'ping', () => ({ method: 'ping' })),
    sends('`connectionParams`', 'connectionParams', () => ({ method: 'connectionParams', data: { lang: 'en' } }), {
      options: { expectsParams: true },
    }),
    sends(
      '`connectionParams` that are refused',
      'connectionParams',
      () => ({ method: 'connectionParams', data: { token: 'denied' } }),
      { options: { expectsParams: true } },
    ),
    sends(
      '`connectionParams` that name a principal',
      'connectionParams',
      () => ({ method: 'connectionParams', data: { token: 'ann' } }),
      { options: { expectsParams: true } },
    ),
    sends('`auth` with the same claims', 'auth', () => auth('ann-2'), { ...ann, before: manySubscriptions('loud') }),
    sends('`auth` with other claims', 'auth', () => auth('ann-moved'), { ...ann, before: manySubscriptions('loud') }),
    sends(`\`auth\` whose claims end ${ended} subscriptions`, 'auth', () => auth('ann-moved'), {
      ...ann,
      before: manyGuarded,
    }),
  ],
  Calls: [
    sends('`query`', 'query', () => query('whoami')),
    sends(`${array} queries in an array`, 'query', () => many(array, (index) => query('whoami', index))),
    sends('a long call', 'query', () => query('slow')),
    sends(`${array} long calls in an array`, 'query', () => many(array, (index) => query('slow', index))),
    sends('`mutation` with a key', 'mutation', () => keyed(post('pay'))),
    sends('`mutation` that publishes', 'mutation', () => post('post'), { before: withLog }),
    sends('`mutation` that publishes, with a key', 'mutation', () => keyed(post('post')), { before: withLog }),
    sends(`${array} publishes in an array`, 'mutation', () => many(array, (index) => post('post', index)), {
      before: withLog,
    }),
    sends(
      `${array} publishes with keys in an array`,
      'mutation',
      () => many(array, (index) => keyed(post('post', index))),
      { before: withLog },
    ),
    sends('`mutation` that publishes an ephemeral event', 'mutation', () => post('retype')),
    updates(`\`presence.update\` of nobody, ${members} members`, post('update')),
    updates(
      `${array} of them in an array`,
      many(array, (index) => post('update', index)),
    ),
    sends('`cancel` of an unknown call', 'cancel', () => ({ id: 9, method: 'cancel' })),
    sends(`${array} of them in an array`, 'cancel', () => many(array, (id) => ({ id, method: 'cancel' }))),
    sends(`${array} of them after ${array} others`, 'cancel', () => many(array, (id) => ({ id, method: 'cancel' })), {
      before: full('unknownStops', unknownStops.value),
    }),
  ],
  Subscriptions: [
    sends('to a channel', 'subscription', () => subscribe('live'), { before: withLog }),
    sends(`${array} to a channel in an array`, 'subscription', () => many(array, (id) => subscribe('live', id)), {
      before: withLog,
    }),
    sends('with a filter', 'subscription', () => subscribe('loud'), { before: withLog }),
    sends(`${array} with a filter in an array`, 'subscription', () => many(array, (id) => subscribe('loud', id)), {
      before: withLog,
    }),
    sends('to a channel with `authorize`', 'subscription', () => subscribe('guarded'), { before: withLog }),
    sends('to a channel with `authorize`, refused', 'subscription', () => subscribe('guarded'), moved),
    sends(`${array} of them in an array`, 'subscription', () => many(array, (id) => subscribe('guarded', id)), moved),
    sends('to a channel with `recheck`', 'subscription', () => subscribe('rechecked'), { before: withLog }),
    sends('to ephemeral events', 'subscription', () => subscribe('onTyping')),
    sends('to presence, `join`', 'subscription', () => subscribe('join')),
    sends('to presence, `watch`', 'subscription', () => subscribe('watch')),
    sends('to a generator of two values', 'subscription', () => subscribe('ticks')),
    sends(`${array} to generators in an array`, 'subscription', () => many(array, (id) => subscribe('ticks', id))),
    sends('beyond the subscriptions of a connection', 'subscription', () => subscribe('live'), {
      before: full('subscriptions', connectionSubscriptions.value, withLog),
    }),
    sends(`${array} of them in an array`, 'subscription', () => many(array, (id) => subscribe('live', id)), {
      before: full('subscriptions', connectionSubscriptions.value, withLog),
    }),
    sends('to partitions, which asks for their number', 'subscription', () => subscribe('parts#')),
    sends(`${array} of them in an array`, 'subscription', () => many(array, (id) => subscribe('parts#', id))),
    sends('to a partition from its first event', 'subscription', () => subscribe('parts#3/4@start')),
    sends(`${array} of them in an array`, 'subscription', () => many(array, (id) => subscribe('parts#3/4@start', id))),
    sends('`subscription.stop`', 'subscription.stop', () => stop(1), { before: subscribedTo('live') }),
    sends(`${subscriptions} of them in an array`, 'subscription.stop', () => all.map((id) => stop(id)), {
      before: manySubscriptions('live'),
    }),
    sends('`subscription.stop` of an unknown id', 'subscription.stop', () => stop(9)),
    sends(`${array} of them in an array`, 'subscription.stop', () => many(array, (id) => stop(id))),
    sends(`${array} of them after ${array} others`, 'subscription.stop', () => many(array, (id) => stop(id)), {
      before: full('unknownStops', unknownStops.value),
    }),
    sends('`sync` of one', 'sync', (from) => sync(from, [1]), { before: behind }),
    sends('`sync` of 200 times the same', 'sync', (from) => sync(from, same), { before: behind }),
    sends(`\`sync\` of ${subscriptions} with a filter`, 'sync', (from) => sync(from, all), { before: manyBehind }),
    sends('three of them in an array', 'sync', (from) => many(3, (id) => sync(from, all, id)), {
      before: manyBehind,
    }),
  ],
  HTTP: [
    posts('`hello`', () => [{ id: 'h', method: 'hello' }]),
    posts('`hello` with a token', () => [{ id: 'h', method: 'hello' }], { token: 'ann-1' }),
    posts('a query without a connection', () => [query('whoami')]),
    posts('a query without a connection, with a token', () => [query('whoami')], { token: 'ann-1' }),
    posts(`${array} queries without a connection`, () => many(array, (index) => query('whoami', index))),
    posts('a query', () => [query('whoami')], { before: [] }),
    posts('a subscribe to a channel', () => [subscribe('live')], { before: [] }),
    posts(`${array} subscribes with a filter`, () => many(array, (id) => subscribe('loud', id)), { before: [] }),
    posts('a first poll of one', (from) => [poll(from, [1])], { before: [subscribe('live')] }),
    posts('a further poll of one', (from) => [pollAgain(from, [1])], { before: [subscribe('live')] }),
    posts(`a first poll of ${subscriptions} with a filter`, (from) => [poll(from, all)], {
      before: many(subscriptions, (id) => subscribe('loud', id)),
    }),
    posts(`a further poll of ${subscriptions} with a filter`, (from) => [pollAgain(from, all)], {
      before: many(subscriptions, (id) => subscribe('loud', id)),
    }),
    posts('`close`', () => [{ method: 'close' }], { before: [], method: 'close' }),
    posts(`\`close\` with ${subscriptions} subscriptions`, () => [{ method: 'close' }], {
      before: many(subscriptions, (id) => subscribe('live', id)),
    }),
  ],
  'Reads over HTTP': [
    reads('`HEAD`', 'live', { method: 'HEAD' }),
    reads('a page of one event', 'live'),
    reads('a page of a topic without an epoch', 'live', { before: 'none' }),
    reads(`a page of ${events} events with a filter`, 'loud', { before: 'long' }),
    reads('a page after the newest event', 'live', { rest: (from) => `&offset=${offsetOf(from)}` }),
    reads('a long-poll of 20 s without news', 'live', { rest: waits }),
  ],
  'Kicks and revokes': [
    ends('`mutation` that kicks a connection', 'kick'),
    ends('`mutation` that kicks a principal with one connection', 'kick', 1),
    ends(`\`mutation\` that kicks a principal with ${subscribers} connections`, 'kick', subscribers),
    ends(`\`mutation\` that revokes the tokens of ${subscribers} connections`, 'revoke', subscribers),
    afterKick('the `$disconnect` of a connection that was kicked', (world, kicked) => world.disconnect(kicked)),
    afterKick('a connect of a principal that is banned', (world) => world.connect(ann.options), farAway),
    afterKick(
      'a `hello` over HTTP of a principal that is banned',
      (world) => world.http(undefined, [{ id: 'h', method: 'hello' }], 'ann-1'),
      farAway,
    ),
  ],
  Presence: [
    presence(`\`update\` of a member, ${subscribers} watch`, (world, [member]) =>
      world.send(member as Connection, { ...post('update'), params: { path: 'update', input: { ...input, text } } }),
    ),
    presence('a member stops', (world, [member]) => world.send(member as Connection, stop(1))),
    presence('a member is lost', inTurn),
    checked('its check, a delayed job', 1),
    checked('10 checks in one batch', 10),
  ],
  'Large messages': [
    sends('`chunk` of 32 KB', 'chunk', () => chunksOf('x'.repeat(90_000))[0] ?? ''),
    sends('beyond the open messages of a connection', 'chunk', () => chunksOf('x'.repeat(90_000))[0] ?? '', {
      before: opened,
    }),
    inChunks('a query of 300 KB in chunks', () => ({ ...query('whoami'), data: 'x'.repeat(300_000) })),
    inChunks('45 `sync` of 200 in chunks', (from) => many(45, (id) => sync(from, same, id)), behind),
  ],
  'Frames that nothing comes of': [
    sends('no JSON', 'query', () => '{"id":1'),
    sends(`${array} malformed frames`, 'query', () => many(array, (id) => ({ id, method: 'query' }))),
    sends('an array of 1,000 queries', 'query', () => many(1_000, (id) => query('x', id))),
    sends(`${array} queries of a stock client`, 'query', () => many(array, (id) => query('whoami', id)), {
      options: { stock: true },
    }),
    sends('an array of 1,000 queries of a stock client', 'query', () => many(1_000, (id) => query('x', id)), {
      options: { stock: true },
    }),
    {
      name: 'the delayed job that deletes a refused connection',
      async prepare(world) {
        await world.connect({ token: 'denied' })
        return () => world.runDelayed()
      },
    },
    sends('a frame of a refused connection', 'query', () => query('whoami'), { options: { token: 'denied' } }),
    sends('a query before announced parameters', 'query', () => query('whoami'), { options: { expectsParams: true } }),
    sends(
      `${array} queries before announced parameters`,
      'query',
      () => many(array, (index) => query('whoami', index)),
      { options: { expectsParams: true } },
    ),
  ],
  Rates: [
    sends('`query` of a procedure with a `rate`', 'query', () => query('seldom')),
    sends('one that is refused', 'query', () => query('seldom'), {
      before: async (world, connection) => world.send(connection, query('seldom')),
    }),
    sends('`mutation` of one, with a key', 'mutation', () => keyed(post('paySeldom'))),
    sends('one that is refused, with a key', 'mutation', () => keyed(post('paySeldom')), {
      before: async (world, connection) => world.send(connection, post('paySeldom')),
    }),
    sends('`query` that is not sampled, with `rates`', 'query', () => query('whoami'), { before: sampling(false) }),
    sends('`query` that is sampled, with `rates`', 'query', () => query('whoami'), { before: sampling(true) }),
    sends('`mutation` that publishes, all sampled', 'mutation', () => post('post'), {
      before: async (world, connection) => withLog(world, connection).then(() => sampling(true)(world, connection)),
    }),
    sends('a message above twice a rate', 'query', () => queries, { before: flooding }),
  ],
  Deliveries: [
    delivers('an event without subscribers', 'live', 0),
    delivers(`an event to ${subscribers} subscribers`, 'live', subscribers),
    delivers(`an event to ${subscribers} subscribers with a filter`, 'loud', subscribers),
    delivers(`an event to ${subscribers} subscribers with \`recheck\``, 'rechecked', subscribers),
    delivers(`an event to ${subscribers * 11} subscribers`, 'live', subscribers * 11),
  ],
  Streams: [
    sends('a start of a stream, with its run', 'mutation', () => ofStream('ask', 'mutation')),
    sends(`${array} starts in an array`, 'mutation', () =>
      many(array, (index) => ofStream('ask', 'mutation', index + 1)),
    ),
    sends('a stop of a stream that has ended', 'mutation', () => ofStream('end', 'mutation'), {
      before: endedStreams(1),
    }),
    sends('`subscription` to a stream that has ended', 'subscription', () => ofStream('answer', 'subscription'), {
      before: endedStreams(1),
    }),
    sends(
      `${subscriptions} of them in an array`,
      'subscription',
      () => many(subscriptions, (index) => ofStream('answer', 'subscription', index + 1)),
      { before: endedStreams(subscriptions) },
    ),
    sends(
      `${subscriptions} of them, to streams that were lost`,
      'subscription',
      () => many(subscriptions, (index) => ofStream('answer', 'subscription', index + 1)),
      { before: lostStreams(subscriptions) },
    ),
  ],
}

/** A message in chunks. All of them are counted. */
function inChunks(name: string, message: (from: string) => unknown, before: Before = async () => ''): Row {
  return {
    name,
    method: 'chunk',
    async prepare(world) {
      const connection = await world.connect()
      const chunks = chunksOf(message(await before(world, connection)))
      return async () => {
        for (const chunk of chunks) await world.send(connection, chunk)
      }
    },
  }
}
