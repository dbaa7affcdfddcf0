// More than 200 lines: every operation that the cost of a line is made of, in one place.
import type { OperationName } from '../../packages/local/src/cost/counts.ts'
import { batchPauseMs, partitions } from './application.ts'
import { type Cost, marginalCost } from './counts.ts'
import {
  ann,
  auth,
  type Before,
  delivers,
  input,
  keyed,
  ofStream,
  pollAgain,
  post,
  posts,
  present,
  publish,
  query,
  type Row,
  sends,
  stop,
  subscribe,
  sync,
  text,
  withLog,
} from './rows.ts'
import { type Connection, createWorld, type World } from './world.ts'

/** An operation whose cost is counted once, for the page of limits, the prices and the model of scale. */
interface Operation {
  readonly name: string
  readonly count: () => Promise<Cost>
}

const resumed = 50
const batches = 10
const minute = 60_000
const topic = 'room?room=s:x'

/** What `prepare` returns, counted on a world of its own. */
async function measured(prepare: Row['prepare']): Promise<Cost> {
  const world = await createWorld()
  try {
    const act = await prepare(world)
    return await world.measure(act)
  } finally {
    await world.close()
  }
}
const operation = ({ name, prepare }: Row): Operation => ({ name, count: () => measured(prepare) })

/** A message on a connection that `before` prepared, and what it leads to. */
const one = (
  name: string,
  message: (from: string, connection: Connection) => object,
  before: Before = async () => '',
  token?: string,
): Operation => ({
  name,
  count: () =>
    measured(async (world) => {
      const connection = await world.connect(token === undefined ? {} : { token })
      const from = await before(world, connection)
      world.clock.time += minute
      return () => world.send(connection, message(from, connection))
    }),
})

/** Subscribes to the topic of one event. Returns the position of that event. */
const following: Before = async (world, connection) => {
  const from = await publish(world, 1)
  await world.send(connection, subscribe('live'))
  return from
}

/** Publishes one event to each of many rooms. Returns the positions, in the order of the rooms. */
const rooms: Before = async (world) => {
  const ids: string[] = []
  await world.run(async () => {
    for (let n = 0; n < resumed; n++) ids.push((await world.application.events.publish({ room: `r${n}` }, { text })).id)
  })
  return ids.join(' ')
}
const resumes = (from: string) =>
  from.split(' ').map((lastEventId, n) => ({
    id: n,
    method: 'subscription',
    params: { path: 'live', input: { room: `r${n}`, lastEventId }, lastEventId, ref: 1 },
  }))

/** A member of a room that ten connections watch. `from`: the position of the member's own subscription. */
const member: Before = async (world, connection) => {
  await present(world, 0)
  await world.send(connection, joinAs('m0'))
  const started = connection.posted.map((message) => /"(?:from|id)":"([^"]+:\d+)"/.exec(message)?.[1]).find(Boolean)
  return started ?? ''
}
const joinAs = (name: string) => ({
  ...subscribe('joinAs'),
  params: { path: 'joinAs', input: { ...input, text: name }, ref: 1 },
})

/** An event to many sockets, whose rows are copies of one in shards of the same size. */
const toMany = (sockets: number, shards = 1): Operation => ({
  name: `publish to ${sockets.toLocaleString('en-US')}`,
  count: () =>
    measured(async (world) => {
      await publish(world, 1)
      await world.send(await world.connect(), subscribe('live'))
      if (shards > 1) await world.growShards(topic, shards)
      const ids = world.openSockets(sockets - 1) // one has its row
      for (let shard = 0; shard < shards; shard++) {
        const sortKeys = ids.filter((_, n) => n % shards === shard).map((id) => `${id}#1`)
        await world.copyItem(`SUBS#${topic}#0`, sortKeys, `SUBS#${topic}#${shard}`)
      }
      const publisher = await world.connect()
      return () => world.send(publisher, post('post'))
    }),
})

/** The run of a stream with one reader. The pauses of its producer are not counted as time. */
async function run(count: number, stops = false): Promise<Cost> {
  const cost = await measured(async (world) => {
    await world.send(await world.connect(), ofStream('answer', 'subscription'))
    const starter = await world.connect()
    const frame = ofStream('ask', 'mutation')
    const started = { ...frame, params: { ...frame.params, input: { ...frame.params.input, batches: count, stops } } }
    return () => world.send(starter, started)
  })
  return { ...cost, ms: cost.ms - count * batchPauseMs }
}
const chunk = async () => marginalCost(await run(batches + 1), await run(1), batches)

/** Publishes until each of the first partitions has an event. Returns a position of each. */
async function fill(world: World, count: number): Promise<readonly string[]> {
  const ids = new Map<number, string>()
  await world.run(async () => {
    for (let n = 0; ids.size < count; n++) {
      const { id } = await world.application.parts.publish(input, { text: `${n}`.padEnd(100, 'x') })
      const [, index = '0', cursor = id] = /^(\d+)\/(.*)$/.exec(id) ?? []
      ids.set(Number(index), cursor)
    }
  })
  world.clock.time += minute
  return Array.from({ length: count }, (_, index) => ids.get(index) ?? '')
}
const numbers = (count: number, from = 0) => Array.from({ length: count - from }, (_, n) => from + n)
const partOf = (index: number, count: number, at = '') => ({
  id: index,
  method: 'subscription',
  params: { path: `parts#${index}/${count}${at}`, input, ref: 1 },
})
/** What `mergePartitions` sends: it asks, and then subscribes to each, in a message of its own. */
async function merge(world: World, connection: Connection, count: number): Promise<void> {
  await world.send(connection, { ...subscribe('parts#', 'ask') })
  for (const index of numbers(count)) await world.send(connection, partOf(index, count))
}

/** An operation of a connection that merges all partitions. Each partition has an event. */
const merged = (
  name: string,
  act: (world: World, connection: Connection, positions: readonly string[]) => Promise<unknown>,
): Operation => ({
  name,
  count: () =>
    measured(async (world) => {
      const positions = await fill(world, partitions)
      const connection = await world.connect()
      await merge(world, connection, partitions)
      world.clock.time += minute
      return () => act(world, connection, positions)
    }),
})
const syncOf = (positions: readonly string[]) => ({
  id: 's',
  method: 'sync',
  params: { subscriptions: positions.map((from, id) => ({ id, ref: 1, from })) },
})
const resumeOf = (positions: readonly string[]) =>
  positions.map((lastEventId, index) => {
    const frame = partOf(index, partitions)
    return { ...frame, params: { ...frame.params, lastEventId, ref: 1 } }
  })

/** A publish to one subscriber that merges. `anew`: by a process that has read nothing of partitions. */
const toPartition = (name: string, { anew = false, isKeyed = false } = {}): Operation => ({
  name,
  count: () =>
    measured(async (world) => {
      await fill(world, partitions)
      if (!isKeyed) await merge(world, await world.connect(), partitions)
      const publisher = await world.connect()
      if (anew) world.deploy()
      return () => world.send(publisher, isKeyed ? keyed(post('postPart')) : post('postPart'))
    }),
})

/** A version with twice the partitions publishes, and a client that merges learns of them by its sync. */
const growth: Operation = {
  name: `partitions: growth from 2 to ${partitions}, with its publish and one sync`,
  count: () =>
    measured(async (world) => {
      world.deploy(2)
      const positions = await fill(world, 2)
      const connection = await world.connect()
      await merge(world, connection, 2)
      const publisher = await world.connect()
      world.deploy(partitions)
      world.clock.time += minute
      return async () => {
        await world.send(publisher, post('postPart'))
        await world.send(connection, syncOf(positions))
        for (const index of numbers(partitions, 2)) await world.send(connection, partOf(index, partitions, '@start'))
      }
    }),
}

const toStock = async (world: World) => {
  await publish(world, 1)
  await world.send(await world.connect({ stock: true }), subscribe('live'))
  const publisher = await world.connect()
  return () => world.send(publisher, post('post'))
}

/** `npm run test:long` counts these. `npm test` counts the others, which take half a minute. */
export const slowOperations: ReadonlySet<string> = new Set([
  'publish10000',
  'partitionPublish',
  'partitionPublishFirst',
  'partitionPublishKeyed',
  'partitionSubscribe',
  'partitionResume',
  'partitionKeepalive',
  'partitionGrowth',
  'partitionUnsubscribe',
])

/** The counted operations by their names in `packages/local/src/cost/counts.ts`. */
export const operations: Readonly<Record<OperationName, Operation>> = {
  connect: { name: 'connect', count: () => measured(async (world) => () => world.connect(ann.options)) },
  connectAnonymous: {
    name: 'connect of an anonymous caller',
    count: () => measured(async (world) => () => world.connect()),
  },
  hello: one('`hello`', () => ({ id: 'h', method: 'hello' })),
  ping: one('`ping`', () => ({ method: 'ping' })),
  auth: one('`auth`', () => auth('ann-2'), following, 'ann-1'),
  call: one('call', () => query('whoami')),
  keyedCall: one('keyed call', () => keyed(post('pay'))),
  subscribe: one('subscribe', () => subscribe('live'), withLog),
  unsubscribe: one('stop of a subscription', () => stop(1), following),
  resume50: one(`resume of ${resumed}`, resumes, rooms),
  keepalive: one('keepalive of one subscription', (from) => sync(from, [1]), following),
  publish0: operation(delivers('publish to nobody', 'live', 0)),
  publish1: operation(delivers('publish to 1', 'live', 1)),
  publish2: operation(delivers('publish to 2', 'live', 2)),
  publish10: operation(delivers('publish to 10', 'live', 10)),
  publish100: toMany(100),
  publish110: toMany(110),
  publish10000: toMany(10_000, 2),
  publishStock: { name: 'publish to 1 stock client', count: () => measured(toStock) },
  publishKeyed: operation(sends('keyed publish to nobody', 'mutation', () => keyed(post('post')), { before: withLog })),
  partitionPublish: toPartition(`partitions: publish to one of ${partitions}, to 1`),
  partitionPublishFirst: toPartition('partitions: the same, the first of a process', { anew: true }),
  partitionPublishKeyed: toPartition('partitions: keyed publish to nobody', { isKeyed: true }),
  partitionSubscribe: {
    name: `partitions: subscribe that merges ${partitions}`,
    count: () =>
      measured(async (world) => {
        await fill(world, partitions)
        const connection = await world.connect()
        return () => merge(world, connection, partitions)
      }),
  },
  partitionResume: {
    name: `partitions: resume of ${partitions}`,
    count: () =>
      measured(async (world) => {
        const positions = await fill(world, partitions)
        const connection = await world.connect()
        return () => world.send(connection, resumeOf(positions))
      }),
  },
  partitionKeepalive: merged(`partitions: keepalive of ${partitions}`, (world, connection, positions) =>
    world.send(connection, syncOf(positions)),
  ),
  partitionGrowth: growth,
  partitionUnsubscribe: merged(`partitions: stop of ${partitions}`, async (world, connection) => {
    for (const index of numbers(partitions)) await world.send(connection, stop(index))
  }),
  presenceJoin: one(
    'presence: join, 10 watch',
    () => joinAs('m0'),
    (world) => present(world, 0).then(() => ''),
  ),
  presenceUpdate: one('presence: update, 10 watch', () => updateOf('busy'), member),
  presenceLeave: one('presence: leave, 10 watch', () => stop(1), member),
  presenceRenewal: one('presence: renewal of a lease', (from) => sync(from, [1]), member),
  streamStart: {
    name: 'stream: start, run and end, without chunks',
    count: async () => marginalCost(await run(1), await chunk(), 1),
  },
  streamChunk: { name: 'stream: a batch of chunks to one reader', count: chunk },
  streamStop: {
    name: 'stream: stop while it runs, without the call',
    count: async () => marginalCost(await run(batches, true), await run(batches), 1),
  },
  httpHello: operation(posts('HTTP: `hello`', () => [{ id: 'h', method: 'hello' }], { token: 'ann-1' })),
  httpCall: operation(posts('HTTP: call', () => [query('whoami')], { before: [] })),
  httpSubscribe: operation(posts('HTTP: subscribe', () => [subscribe('live')], { before: [] })),
  httpPoll: operation(
    posts('HTTP: poll of one subscription', (from) => [pollAgain(from, [1])], { before: [subscribe('live')] }),
  ),
  disconnect: {
    name: 'disconnect with one subscription',
    count: () =>
      measured(async (world) => {
        const connection = await world.connect(ann.options)
        await following(world, connection)
        return () => world.disconnect(connection)
      }),
  },
}

const updateOf = (name: string) => ({
  ...post('update'),
  params: { path: 'update', input: { ...input, text: name } },
})
