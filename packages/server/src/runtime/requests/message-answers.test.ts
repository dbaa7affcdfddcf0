import { initTRPC } from '@trpc/server'
import { limits } from '@trunkline/protocol'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { createTestLine, settle, type TestClient, type TestLine } from '../../lambda/test-line.suite.ts'
import { createLine } from '../../line/create-line.ts'
import { packAnswers } from './message-answers.ts'

const line = createLine()
const key = z.object({ room: z.string() })
const events = line.channel('answers', { key, event: z.object({ text: z.string() }) })
const gates = new Map<string, () => void>()
const t = initTRPC.create()
const router = t.router({
  whoami: t.procedure.query(() => 'you'),
  deep: t.procedure
    .use(async ({ next }) => next())
    .use(async ({ next }) => next())
    .input(z.string().transform(async (text) => text))
    .query(async ({ input }) => input),
  fails: t.procedure.query(() => {
    throw new Error('no')
  }),
  gated: t.procedure.input(z.string()).query(async ({ input }) => {
    await new Promise<void>((resolve) => void gates.set(input, resolve))
    return input
  }),
  grow: t.procedure.input(z.number()).query(({ input }) => 'x'.repeat(input)),
  live: t.procedure.input(key).subscription(({ input }) => events.subscribe(input)),
})

interface Posted extends TestLine {
  /** The frames of each message that was posted. */
  readonly posts: readonly (readonly { readonly id: unknown }[])[]
  /** Holds every post back while it is set. */
  held: Promise<void> | undefined
}

function create(): Posted {
  const posts: { id: unknown }[][] = []
  const made: Posted = { ...createTestLine({ line, router, onError: () => {} }), posts, held: undefined }
  made.gateway.intercept = async (_, text) => {
    await made.held
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(limits.messageBytes.value)
    posts.push([JSON.parse(text)].flat())
    return undefined
  }
  return made
}

const query = (id: unknown, path = 'whoami', input?: unknown) => ({ id, method: 'query', params: { path, input } })
const many = <T>(count: number, make: (n: number) => T) => Array.from({ length: count }, (_, n) => make(n))
const idsOf = (frames: unknown) => [frames].flat().map((frame) => (frame as { readonly id: unknown }).id)

describe('the answers to one message', () => {
  test('that need no wait leave together: all of 100 calls in the route’s own answer [TL-BATCH-4]', async () => {
    const made = create()
    const client = await made.connect()
    const paths = ['whoami', 'deep', 'fails', 'nothing']
    const calls = many(100, (n) => query(n, paths[n % 4], 'a'))
    const returned = await client.send(calls)
    expect(idsOf([...made.posts.flat(), ...(returned as unknown[])]).sort()).toEqual(many(100, (n) => n).sort())
    expect(made.posts.length).toBeLessThanOrEqual(1)
  })
  test('of malformed elements, and of an array that is too long, leave together too [TL-BATCH-4]', async () => {
    const made = create()
    const client = await made.connect()
    expect(idsOf(await client.send(many(100, (id) => ({ id, method: 'query' }))))).toHaveLength(100)
    expect(idsOf(await client.send(many(101, (n) => query(n))))).toHaveLength(101)
    expect(made.posts).toEqual([])
  })
  test('that are ready do not wait for one that runs [TL-BATCH-4]', async () => {
    const made = create()
    const client = await made.connect()
    const returned = client.send([query(1), query(2, 'gated', 'slow'), query(3)])
    await settle()
    expect(made.posts.map(idsOf)).toEqual([[1, 3]])
    gates.get('slow')?.()
    expect(await returned).toMatchObject({ id: 2 })
  })
  test('that become ready during a post leave with the next one [TL-BATCH-4]', async () => {
    const made = create()
    const client = await made.connect()
    let release = () => {}
    made.held = new Promise((resolve) => (release = resolve))
    const returned = client.send(many(5, (n) => query(n, 'gated', `${n}`)))
    await settle()
    for (const n of [0, 1, 2, 3]) {
      gates.get(`${n}`)?.()
      await settle()
    }
    expect(made.posts).toEqual([])
    release()
    await settle()
    expect(made.posts.map(idsOf)).toEqual([[0], [1, 2, 3]])
    gates.get('4')?.()
    expect(idsOf(await returned)).toEqual([4])
  })
  test('fill messages up to their limit, and the largest go in chunks [TL-BATCH-4] [TL-CHUNK-1]', async () => {
    const made = create()
    const client = await made.connect()
    const sizes = [50_000, 50_000, 50_000, 10, 300_000, 10]
    const returned = await client.send(sizes.map((size, n) => query(n, 'grow', size)))
    const posted = made.posts.map((frames) => frames.filter(({ id }) => id !== 4)).filter((frames) => frames.length > 0)
    expect(posted.map(idsOf)).toEqual([
      [0, 1],
      [2, 3],
    ])
    expect(made.posts.filter((frames) => idsOf(frames).includes(4))).toHaveLength(3)
    expect(idsOf(returned)).toEqual([5])
  })
  test('hold the frames of one subscription next to each other, from `started` on [TL-SUB-1]', async () => {
    const made = create()
    const client = await made.connect()
    await made.asScript(() => events.publish({ room: 'x' }, { text: 'a' }))
    const subscription = (id: number) => ({
      ...{ id, method: 'subscription' },
      params: { path: 'live', input: { room: 'x' }, ref: 1 },
    })
    const answers = [await client.send(many(20, subscription))].flat()
    const frames = [...made.posts.flat(), ...answers] as { id: number; result: { type: string } }[]
    const ids = frames.map(({ id }) => id)
    const first = new Map(ids.map((id, at) => [id, at] as const).reverse())
    for (const [at, id] of ids.entries()) if (at !== first.get(id)) expect(ids[at - 1]).toBe(id)
    for (const [id, at] of first) expect([id, frames[at]?.result.type]).toEqual([id, 'started'])
    expect(first.size).toBe(20)
  })
  test('to a stock client are one object in each message [TL-STOCK-1]', async () => {
    const made = create()
    const client: TestClient = await made.connect({ stock: true })
    const returned = await client.send(many(10, (n) => query(n)))
    expect(made.posts.map((frames) => frames.length)).toEqual(many(9, () => 1))
    expect(returned).toMatchObject({ result: { data: 'you' } })
  })
  test('are packed to the byte [TL-BATCH-4]', () => {
    const answer = (size: number) => [{ id: 1, result: { type: 'data' as const, data: 'x'.repeat(size) } }]
    const empty = JSON.stringify(answer(0)[0]).length
    const most = limits.messageBytes.value
    // two frames, a comma and two brackets
    const half = (most - 3) / 2 - empty
    const sequences = (sizes: readonly number[]) => packAnswers({ extensions: true }, sizes.map(answer))
    const fits = sequences([Math.floor(half), Math.ceil(half)])
    expect(fits.map((texts) => texts.map((text) => Buffer.byteLength(text)))).toEqual([[most]])
    expect(sequences([Math.floor(half), Math.ceil(half) + 1])).toHaveLength(2)
    expect(sequences([most - empty]).map((texts) => texts.length)).toEqual([1])
    expect(sequences([most - empty + 1]).map((texts) => texts.length)).toEqual([2])
  })
})
