import { expect, test } from 'vitest'
import { createStreamWorld } from '../../runtime/producers/stream-world.suite.ts'
import { type AnswerOf, type HttpClient, openHttp } from './http-client.suite.ts'

const chat = { chat: 'x' }
const ask = { id: 'm', method: 'mutation', params: { path: 'ask', input: { ...chat, prompt: 'why' } } }
const watch = (id: string, lastEventId?: string) => ({
  id,
  method: 'subscription',
  params: { path: 'watch', input: chat, ref: 1, ...(lastEventId !== undefined && { lastEventId }) },
})

/** Follows a stream as our client does: from the position of `started`, by polls. */
function reader(client: HttpClient, id: string) {
  const texts: string[] = []
  let position = ''
  let closed: unknown
  const take = (answers: readonly AnswerOf[]) => {
    for (const { id: of, result } of answers) {
      if (of !== id || result === undefined) continue
      if (result['type'] === 'started') position = String(result['from'])
      if (result['type'] === 'closed') closed = result
      if (result['type'] === 'data')
        texts.push(...(result['data'] as { readonly text: string }[]).map(({ text }) => text))
      if (typeof result['id'] === 'string') position = result['id']
    }
  }
  return {
    texts,
    outcome: () => closed,
    async subscribe() {
      take(await client.send(watch(id)))
    },
    async poll() {
      const subscriptions = [{ id, ref: 1, from: position }]
      take(await client.send({ id: 'y', method: 'sync', params: { poll: true, subscriptions } }))
    },
  }
}

test('A stream is read over HTTP: every chunk from the first, once, and then its outcome [TL-HTTP-9]', async () => {
  const world = createStreamWorld()
  const client = await openHttp(world, { token: 'ann' })
  await client.send(ask)
  await world.startWorker()
  const early = reader(client, 'early')
  await early.subscribe()
  world.runs[0]?.say('a', 'b')
  await world.pass(1_000)
  await early.poll()
  const late = reader(client, 'late')
  await late.subscribe()
  world.runs[0]?.say('c')
  await world.pass(1_000)
  world.runs[0]?.end()
  await world.pass(1_000)
  for (const each of [early, late]) for (let n = 0; n < 3 && each.outcome() === undefined; n++) await each.poll()
  for (const each of [early, late]) {
    expect(each.texts).toEqual(['a', 'b', 'c'])
    expect(each.outcome()).toMatchObject({ outcome: 'done' })
  }
  const after = reader(client, 'after')
  await after.subscribe()
  expect(after.texts).toEqual(['a', 'b', 'c'])
  expect(after.outcome()).toMatchObject({ outcome: 'done' })
  expect(world.misdirected).toEqual([])
})

test('A stream whose producer is lost ends for a reader over HTTP within two minutes [TL-HTTP-11]', async () => {
  const world = createStreamWorld({ onLost: 'close' })
  const client = await openHttp(world, { token: 'ann' })
  await client.send(ask)
  const worker = await world.startWorker()
  const read = reader(client, 'r')
  await read.subscribe()
  world.runs[0]?.say('a')
  await world.pass(1_000)
  worker.kill()
  for (let second = 0; second < 120 && read.outcome() === undefined; second += 5) {
    await world.pass(5_000)
    await read.poll()
  }
  expect(read.texts).toEqual(['a'])
  expect(read.outcome()).toMatchObject({ outcome: 'lost' })
  expect(world.misdirected).toEqual([])
})
