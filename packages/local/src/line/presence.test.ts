import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { BatchWriteCommand, DynamoDBDocumentClient, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb'
import { createTRPCClient, createWSClient, wsLink } from '@trpc/client'
import { initTRPC } from '@trpc/server'
import { createLine, deny, type PresenceEvent } from '@trunkline/server'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import * as z from 'zod'
import type { LocalClient } from './local-client.ts'
import type { LocalLine } from './local-line.ts'
import { startLocalLine } from './start-local-line.ts'

const line = createLine()
const key = z.object({ room: z.string() })
const data = z.object({ away: z.boolean().default(false) })
const here = line.presence('here', { key, data })
const brief = line.presence('brief', { key, data, leaseMs: 60_000 })
const t = initTRPC.context<{ user: string }>().create()
const router = t.router({
  join: t.procedure.input(key).subscription(({ input, ctx }) => here.join(input, { member: ctx.user, data: {} })),
  watch: t.procedure.input(key).subscription(({ input }) => here.watch(input)),
  count: t.procedure.input(key).subscription(({ input }) => here.count(input)),
  joinBrief: t.procedure.input(key).subscription(({ input, ctx }) => brief.join(input, { member: ctx.user, data: {} })),
  away: t.procedure
    .input(key.extend(data.shape))
    .mutation(({ input: { room, away } }) => here.update({ room }, { away })),
})

const options = {
  router,
  line,
  authorize: ({ token }: { readonly token: string | undefined }) =>
    token === undefined
      ? deny('who are you?')
      : { principal: token, claims: {}, expiresAt: new Date(Date.now() + 3_600_000 * 24) },
  createContext: ({ principal }: { readonly principal: string | null }) => ({ user: principal ?? '' }),
} as const

type Line = LocalLine<typeof router>
type Client = LocalClient<typeof router>
type Event = PresenceEvent<{ away: boolean }>

const person = (local: Line, name: string) => local.connect({ token: () => name })

/** The events of a subscription as words, from the first one on. */
async function follow({ client }: Client, path: 'join' | 'watch' | 'joinBrief' = 'join') {
  const seen: string[] = []
  const subscription = await new Promise<{ unsubscribe(): void }>((resolve, reject) => {
    const begun = client[path].subscribe(
      { room: 'x' },
      {
        onError: reject,
        onData({ data }) {
          seen.push(toWords(data))
          resolve(begun)
        },
      },
    )
  })
  return { stop: () => subscription.unsubscribe(), took: () => seen.splice(0) }
}

function toWords(event: Event): string {
  if (event.type === 'here')
    return `here: ${event.members.map(({ member, data }) => member + (data.away ? ' (away)' : '')).join(', ')}`
  return `${event.type} ${event.member}${event.type !== 'leave' && event.data.away ? ' (away)' : ''}`
}

const members = async (local: Line) => (await local.run(() => here.read({ room: 'x' }))).map(({ member }) => member)

describe('presence', () => {
  test('starts with a state that includes the joining member, then sends each change once [TL-PRES-1] [TL-PRES-3]', async () => {
    await using local = await startLocalLine(options)
    const ann = await follow(person(local, 'ann'))
    await local.idle()
    expect(ann.took()).toEqual(['here: ann'])
    const bob = await follow(person(local, 'bob'))
    await local.idle()
    expect(bob.took()).toEqual(['here: ann, bob'])
    expect(ann.took()).toEqual(['join bob'])
    bob.stop()
    await local.idle()
    expect(ann.took()).toEqual(['leave bob'])
    expect(await members(local)).toEqual(['ann'])
  })

  test('merges several sessions of one person into one member [TL-PRES-2]', async () => {
    await using local = await startLocalLine(options)
    const ann = await follow(person(local, 'ann'))
    await local.idle()
    const tabs = [await follow(person(local, 'bob')), await follow(person(local, 'bob'))]
    await local.idle()
    expect(ann.took()).toEqual(['here: ann', 'join bob'])
    tabs[0]?.stop()
    await local.idle()
    expect(ann.took()).toEqual([])
    tabs[1]?.stop()
    await local.idle()
    expect(ann.took()).toEqual(['leave bob'])
  })

  test('shows new data without a leave, and rejects data of a session that has not joined [TL-PRES-8]', async () => {
    await using local = await startLocalLine(options)
    const [ann, bob, eve] = ['ann', 'bob', 'eve'].map((name) => person(local, name)) as [Client, Client, Client]
    const seen = await follow(ann)
    await follow(bob)
    await local.idle()
    seen.took()
    expect(await bob.client.away.mutate({ room: 'x', away: true })).toBe(true)
    expect(await eve.client.away.mutate({ room: 'x', away: true })).toBe(false)
    expect(await local.run(() => here.update({ room: 'x' }, { away: true }))).toBe(false)
    await local.idle()
    expect(seen.took()).toEqual(['update bob (away)'])
  })

  test('counts members without their names [TL-PRES-7]', async () => {
    await using local = await startLocalLine(options)
    const counts: number[] = []
    await new Promise<void>((begun) =>
      person(local, 'eve').client.count.subscribe(
        { room: 'x' },
        { onData: ({ data }) => begun(void counts.push(data) as undefined) },
      ),
    )
    const ann = person(local, 'ann')
    const joined = await follow(ann)
    await local.idle()
    await follow(person(local, 'bob'))
    await local.idle()
    await ann.client.away.mutate({ room: 'x', away: true })
    joined.stop()
    await local.idle()
    expect(counts).toEqual([0, 1, 2, 1])
  })
})

describe('a stock tRPC client', () => {
  test('joins and receives the same events', async () => {
    await using local = await startLocalLine({
      ...options,
      authorize: () => ({ principal: 'stock', claims: {}, expiresAt: new Date(Date.now() + 3_600_000) }),
    })
    const socket = createWSClient({ url: local.url, WebSocket: WebSocket as never })
    const stock = createTRPCClient<typeof router>({ links: [wsLink({ client: socket })] })
    const seen: string[] = []
    await new Promise<void>((begun, failed) => {
      stock.join.subscribe(
        { room: 'x' },
        {
          onError: failed,
          onData({ data }) {
            seen.push(toWords(data))
            begun()
          },
        },
      )
    })
    await local.idle()
    expect(await stock.away.mutate({ room: 'x', away: true })).toBe(true)
    await local.idle()
    expect(seen).toEqual(['here: stock', 'update stock (away)'])
    expect(await members(local)).toEqual(['stock'])
    await socket.close()
    await local.clock.advance('20s')
    expect(await members(local)).toEqual([])
  })
})

describe('presence does not flicker', () => {
  test('shows no change when a lost socket returns within the grace period [TL-PRES-4]', async () => {
    await using local = await startLocalLine(options)
    const ann = await follow(person(local, 'ann'))
    const bob = person(local, 'bob')
    const joined = await follow(bob)
    await local.idle()
    await bob.client.away.mutate({ room: 'x', away: true })
    await local.idle()
    ann.took()
    joined.took()
    local.faults.cut(bob.connection)
    await local.clock.advance('40s')
    expect(ann.took()).toEqual([])
    expect(joined.took()).toEqual([])
    expect(await members(local)).toEqual(['ann', 'bob'])
  })

  test('shows no change at a hand-over', async () => {
    await using local = await startLocalLine(options)
    const ann = await follow(person(local, 'ann'))
    await follow(person(local, 'bob'))
    await local.idle()
    ann.took()
    await local.notify()
    await local.clock.advance('1m')
    expect(ann.took()).toEqual([])
  })

  test('shows no change at the gateway’s two-hour limit', async () => {
    await using local = await startLocalLine(options)
    const ann = await follow(person(local, 'ann'))
    await follow(person(local, 'bob'))
    await local.idle()
    ann.took()
    await local.clock.advance('130m')
    expect(ann.took()).toEqual([])
  })
})

/** A machine that dies: its socket is lost without a close, and it does not return. */
function die(local: Line, { connection }: Client): void {
  local.faults.on('connect', 'fail', { connection })
  local.faults.cut(connection)
}

const stepMs = 1_000
/** How long a watcher sees a member that has gone, in milliseconds rounded to seconds. */
async function ghostMs(local: Line, took: () => readonly string[], leave: string, mostMs: number): Promise<number> {
  for (let ms = 0; ms <= mostMs; ms += stepMs) {
    const seen = took()
    expect(seen.filter((words) => words !== leave)).toEqual([]) // no other change is shown meanwhile
    if (seen.includes(leave)) return ms
    await local.clock.advance(stepMs)
  }
  throw new Error(`«${leave}» was not shown within ${mostMs} ms.`)
}

describe('presence shows no stale members', () => {
  const graceMs = 15_000
  const briefMs = 60_000
  const briefSyncMs = briefMs * 0.375 * 1.2

  test('a closed socket leaves after the grace period [TL-PRES-4]', async () => {
    await using local = await startLocalLine(options)
    const ann = await follow(person(local, 'ann'))
    const bob = person(local, 'bob')
    await follow(bob)
    await local.idle()
    ann.took()
    await bob.connection.close()
    const ms = await ghostMs(local, ann.took, 'leave bob', graceMs + 3_000)
    expect(ms).toBeGreaterThanOrEqual(graceMs)
  })

  test('a half-open socket leaves after the gateway has noticed it and the grace period has passed [TL-PRES-4]', async () => {
    await using local = await startLocalLine(options)
    const ann = await follow(person(local, 'ann'))
    const bob = person(local, 'bob')
    await follow(bob)
    await local.idle()
    ann.took()
    die(local, bob)
    const idleMs = 600_000
    await local.clock.advance(idleMs - 5_000)
    expect(ann.took()).toEqual([])
    await ghostMs(local, ann.took, 'leave bob', graceMs + 10_000)
  })

  const faults: readonly (readonly [string, (local: Line) => unknown])[] = [
    ['a half-open socket', () => {}],
    ['a $disconnect that was lost', (local) => local.faults.on('function', 'fail', { path: '$disconnect' })],
    [
      'a $disconnect whose function was killed',
      (local) => local.faults.on('function', 'kill', { path: '$disconnect' }),
    ],
    ['a check that was lost', (local) => local.faults.on('delayed', 'drop')],
    ['a queue that takes no message', (local) => local.faults.on('delayed', 'fail')],
  ]
  test.each(faults)(
    '%s ends in a leave within the lease and one sync [TL-PRES-5] [TL-PRES-6]',
    async (name, strike) => {
      await using local = await startLocalLine({ ...options, onError: () => {} })
      const ann = await follow(person(local, 'ann'), 'joinBrief')
      const bob = person(local, 'bob')
      await follow(bob, 'joinBrief')
      await local.idle()
      ann.took()
      strike(local)
      if (name === 'a half-open socket') die(local, bob)
      else await bob.connection.close()
      const ms = await ghostMs(local, ann.took, 'leave bob', briefMs + briefSyncMs + 2_000)
      console.info(`${name}: a leave after ${ms / 1_000} s; the bound is ${(briefMs + briefSyncMs) / 1_000} s`)
      expect(ms).toBeLessThanOrEqual(briefMs + briefSyncMs + stepMs)
    },
  )

  test('a check that runs twice, or late, causes one leave', async () => {
    await using local = await startLocalLine(options)
    const ann = await follow(person(local, 'ann'))
    const bob = person(local, 'bob')
    await follow(bob)
    await local.idle()
    ann.took()
    local.faults.on('delayed', 'duplicate')
    await bob.connection.close()
    await local.clock.advance('60s')
    expect(ann.took()).toEqual(['leave bob'])
  })
})

describe('a function of $disconnect that is killed half-way', () => {
  const operations = ['closeConnection', 'readSubscriptions', 'deleteSubscriber', 'readPresence', 'putPresence']
  const boundMs = 60_000 + 60_000 * 0.375 * 1.2
  test.each(operations)('at %s leaves a stale member for at most a lease and one sync [TL-PRES-6]', async (path) => {
    await using local = await startLocalLine({ ...options, onError: () => {} })
    const ann = await follow(person(local, 'ann'), 'joinBrief')
    const bob = person(local, 'bob')
    await follow(bob, 'joinBrief')
    await local.idle()
    ann.took()
    using hung = local.faults.on('store', 'hang', { path, times: 1 })
    await bob.connection.close()
    while (hung.hits === 0) await new Promise(setImmediate)
    local.faults.kill('websocket')
    const ms = await ghostMs(local, ann.took, 'leave bob', boundMs + 2_000)
    console.info(`killed at ${path}: a leave after ${ms / 1_000} s; the bound is ${boundMs / 1_000} s`)
    expect(ms).toBeLessThanOrEqual(boundMs + stepMs)
  })
})

describe('a topic of ten thousand', () => {
  /** Puts many members in bulk, each a copy of ann's row, and makes the log count them. */
  async function crowd(local: Line, count: number): Promise<void> {
    const { TRUNKLINE_TABLE: TableName = '', AWS_ENDPOINT_URL_DYNAMODB: endpoint = '' } = local.environment
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
    const dynamodb = new DynamoDBClient({ endpoint, region: 'eu-central-1', credentials })
    const table = DynamoDBDocumentClient.from(dynamodb)
    const { Items: [ann] = [] } = await table.send(
      new QueryCommand({
        ...{ TableName, ConsistentRead: true, KeyConditionExpression: 'pk = :pk AND begins_with(sk, :m)' },
        ExpressionAttributeValues: { ':pk': 'PRES#here?room=s:x', ':m': 'M#' },
      }),
    )
    for (let from = 0; from < count; from += 25) {
      const some = Array.from({ length: Math.min(25, count - from) }, (_, n) => `M#m${from + n}`)
      const puts = some.map((sk) => ({ PutRequest: { Item: { ...ann, sk } } }))
      await table.send(new BatchWriteCommand({ RequestItems: { [TableName]: puts } }))
    }
    const ofLog = { ...{ TableName, ConsistentRead: true }, ExpressionAttributeValues: { ':pk': 'LOG#here?room=s:x' } }
    const { Items: slots = [] } = await table.send(new QueryCommand({ ...ofLog, KeyConditionExpression: 'pk = :pk' }))
    const newest = slots.at(-1)
    const counted = String(newest?.['data']).replace(/"here":\d+/, `"here":${count + 1}`)
    await table.send(new PutCommand({ TableName, Item: { ...newest, data: counted } }))
    dynamodb.destroy()
  }

  /** The newest count that a client received. */
  function counting({ client }: Client) {
    const counts: number[] = []
    client.count.subscribe({ room: 'x' }, { onData: ({ data }) => void counts.push(data) })
    return counts
  }

  test('is sent completely to a new subscriber, and counted; one more member is rejected by name', async () => {
    await using local = await startLocalLine({ ...options, onError: () => {} })
    await follow(person(local, 'ann'))
    await local.idle()
    await crowd(local, 9_999)
    const began = performance.now()
    const eve = await follow(person(local, 'eve'), 'watch')
    console.info(`10,000 members are shown ${Math.round(performance.now() - began)} ms after they were asked for`)
    expect(eve.took()[0]?.split(', ')).toHaveLength(10_000)
    const counts = counting(person(local, 'fay'))
    await local.idle()
    await expect(follow(person(local, 'gus'))).rejects.toThrow(
      /10001 members are here; a list shows 10000 \(listedMembers\)/,
    )
    await local.idle()
    expect(eve.took()).toEqual(['join gus', 'leave gus'])
    expect(counts).toEqual([10_000, 10_001, 10_000])
  })
})
