import { initTRPC } from '@trpc/server'
import { type LocalLine, startLocalLine } from '@trunkline/local'
import { anonymous, createLine } from '@trunkline/server'
import superjson from 'superjson'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { mergePartitions, onPosition } from './partitions.ts'
import type { Gap } from './session/machine/gap.ts'
import { createClient } from './trpc/create-client.ts'

const line = createLine()
const key = z.object({ room: z.string() })
const event = z.object({ by: z.string(), n: z.number() })
const partitionBy = ({ by }: z.infer<typeof event>) => by
const ticks = line.channel('ticks', { key, event, partitions: 4, partitionBy })
const plain = line.channel('plain', { key, event })
const t = initTRPC.create({ transformer: superjson })
const resumable = key.extend({ lastEventId: z.string().optional() })
const router = t.router({
  live: t.procedure.input(resumable).subscription(({ input }) => ticks.subscribe(input)),
  page: t.procedure
    .input(key)
    .subscription(({ input }) => ticks.subscribe(input).startWith(() => ({ by: 'state', n: 0 }))),
  plain: t.procedure.input(key).subscription(({ input }) => plain.subscribe(input)),
  post: t.procedure
    .input(key.extend(event.shape))
    .mutation(({ input: { room, ...rest } }) => ticks.publish({ room }, rest)),
  postPlain: t.procedure
    .input(key.extend(event.shape))
    .mutation(({ input: { room, ...rest } }) => plain.publish({ room }, rest)),
})

let local: LocalLine<typeof router>
beforeAll(async () => {
  local = await startLocalLine({ router, line, authorize: () => anonymous, anonymousMay: 'everything' })
})
afterAll(() => local.close())

/** A client that merges, and what a subscription of it gets. */
function connect(transport: 'socket' | 'http' = 'socket', merges = true) {
  const unhandled: Gap[] = []
  const { connection } = local.connect({ transport, onGap: (gap) => unhandled.push(gap) })
  const links = merges ? [mergePartitions<typeof router>()] : []
  return { connection, unhandled, client: createClient<typeof router>({ connection, links, transformer: superjson }) }
}
type Client = ReturnType<typeof connect>['client']

async function follow(client: Client, path: 'live' | 'page' | 'plain', input: { room: string; lastEventId?: string }) {
  const events: { readonly id: string; readonly data: z.infer<typeof event> }[] = []
  const positions: string[] = []
  const gaps: unknown[] = []
  let [starts, stop] = [0, () => {}]
  await new Promise<void>((resolve, reject) => {
    const subscription = client[path].subscribe(input, {
      onStarted: () => {
        starts += 1
        resolve()
      },
      onData: ({ id, data }) => events.push({ id, data }),
      onGap: (gap) => gaps.push(gap),
      onError: reject,
      context: onPosition((position) => positions.push(position)),
    })
    stop = () => subscription.unsubscribe()
  })
  return { events, positions, gaps, starts: () => starts, stop }
}
const people = ['ann', 'bob', 'cid', 'dan', 'eve', 'fay', 'gus', 'hal']
const postAll = async (client: Client, room: string, n: number) => {
  const ids = []
  for (const by of people) ids.push((await client.post.mutate({ room, by, n })).id)
  return ids
}
/** The events of each person, in the order in which they came. */
const byPerson = (events: readonly { readonly data: z.infer<typeof event> }[]) =>
  Object.fromEntries(people.map((by) => [by, events.filter(({ data }) => data.by === by).map(({ data }) => data.n)]))
const each = (numbers: readonly number[]) => Object.fromEntries(people.map((by) => [by, numbers]))

describe.each(['socket', 'http'] as const)('A client over %s that merges partitions', (transport) => {
  test('gets the events of all as one subscription, with the ids that publish returned [TL-PART-9]', async () => {
    const { client, connection } = connect(transport)
    const room = `all-${transport}`
    const { events, starts } = await follow(client, 'live', { room })
    const ids = [...(await postAll(client, room, 1)), ...(await postAll(client, room, 2))]
    await expect.poll(() => events.length, { timeout: 20_000 }).toBe(16)
    expect(byPerson(events)).toEqual(each([1, 2]))
    expect(events.map(({ id }) => id).sort()).toEqual(ids.sort())
    expect(new Set(ids.map((id) => id.split('/')[0])).size).toBeGreaterThan(2)
    expect(starts()).toBe(1)
    await connection.close()
  })

  test('begins with the state, and no event comes before it [TL-PART-5]', async () => {
    const { client, connection } = connect(transport)
    const room = `page-${transport}`
    const posting = postAll(client, room, 1)
    const { events } = await follow(client, 'page', { room })
    await posting
    await postAll(client, room, 2)
    await expect.poll(() => byPerson(events).hal?.at(-1), { timeout: 20_000 }).toBe(2)
    await expect
      .poll(() => Object.values(byPerson(events)).every((all) => all.includes(2)), { timeout: 20_000 })
      .toBe(true)
    expect(events.findIndex(({ data }) => data.by === 'state')).toBe(0)
    expect(events.filter(({ data }) => data.by === 'state')).toHaveLength(1)
    await connection.close()
  })
})

test('a position resumes all partitions in another page, without a loss and without a doublet [TL-PART-8]', async () => {
  const first = connect()
  const before = await follow(first.client, 'live', { room: 'resumed' })
  await postAll(first.client, 'resumed', 1)
  await expect.poll(() => before.events.length, { timeout: 20_000 }).toBe(8)
  await first.connection.close()
  const second = connect()
  await postAll(second.client, 'resumed', 2)
  const lastEventId = before.positions.at(-1) ?? ''
  const { events, gaps } = await follow(second.client, 'live', { room: 'resumed', lastEventId })
  await expect.poll(() => events.length, { timeout: 20_000 }).toBe(8)
  expect(byPerson(events)).toEqual(each([2]))
  expect(gaps).toEqual([])
  await second.connection.close()
})

test('the id of one event resumes its partition; others begin at their start, and partition 0 has a gap [TL-PART-8]', async () => {
  const { client, connection } = connect()
  const ids = await postAll(client, 'one', 1)
  const third = ids.find((id) => id.startsWith('2/')) ?? ''
  const { events, gaps } = await follow(client, 'live', { room: 'one', lastEventId: third })
  const expected = ids.filter((id) => id.includes('/') && id !== third && !(id.startsWith('2/') && id < third))
  await expect.poll(() => events.map(({ id }) => id).sort(), { timeout: 20_000 }).toEqual(expected.sort())
  expect(gaps).toEqual([
    {
      path: 'live',
      input: { room: 'one', lastEventId: third },
      reason: 'not-resumable',
      lastEventId: null,
      partition: 0,
    },
  ])
  await connection.close()
})

test('a lost socket loses nothing, and the subscription starts once more', async () => {
  const { client, connection } = connect()
  const { events, starts, gaps } = await follow(client, 'live', { room: 'cut' })
  await postAll(client, 'cut', 1)
  const other = connect()
  for (const n of [2, 3]) {
    local.faults.cut()
    await postAll(other.client, 'cut', n)
  }
  await expect.poll(() => events.length, { timeout: 20_000 }).toBe(24)
  expect(byPerson(events)).toEqual(each([1, 2, 3]))
  expect(gaps).toEqual([])
  await expect.poll(starts, { timeout: 20_000 }).toBeGreaterThan(1)
  await Promise.all([connection.close(), other.connection.close()])
})

test('other subscriptions and calls pass unchanged', async () => {
  const { client, connection } = connect()
  const { events, positions } = await follow(client, 'plain', { room: 'plain' })
  const { id } = await client.postPlain.mutate({ room: 'plain', by: 'ann', n: 1 })
  await expect.poll(() => events, { timeout: 20_000 }).toEqual([{ id, data: { by: 'ann', n: 1 } }])
  expect(positions).toEqual([id])
  await connection.close()
})

test('a client without the link gets an error that names it', async () => {
  const { client, connection } = connect('socket', false)
  await expect(follow(client, 'live', { room: 'x' })).rejects.toThrow(
    'mergePartitions() of @trunkline/client/partitions',
  )
  await connection.close()
})

test('an unsubscribe ends all partitions', async () => {
  const { client, connection } = connect()
  const { events, stop } = await follow(client, 'live', { room: 'stopped' })
  stop()
  await postAll(client, 'stopped', 1)
  expect(events).toEqual([])
  await connection.close()
})

test('the onGap of the connection gets a gap with the path of the procedure and the number of the partition', async () => {
  const { client, connection, unhandled } = connect()
  const input = { room: 'unhandled', lastEventId: ',0.zz:9,,' }
  await new Promise<void>((resolve, reject) => {
    client.live.subscribe(input, { onStarted: () => resolve(), onError: reject })
  })
  expect(unhandled.toSorted((one, other) => Number(one.partition) - Number(other.partition))).toEqual([
    { path: 'live', input, reason: 'not-resumable', lastEventId: null, partition: 0 },
    { path: 'live', input, reason: 'new-epoch', lastEventId: null, partition: 1 },
  ])
  await connection.close()
})
