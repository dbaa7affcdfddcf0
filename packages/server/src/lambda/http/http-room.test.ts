import { describe, expect, test } from 'vitest'
import { createRoom, type Room } from '../../runtime/subscriptions/room.suite.ts'
import { type AnswerOf, framesOf, type HttpClient, openHttp } from './http-client.suite.ts'
import { openWorld, publish, subscribeFrame } from './http-world.suite.ts'

const responseBytes = 2_097_152

/** Subscribes until every subscription has started, as a client does that is asked to come again. */
async function subscribeAll(client: HttpClient, frameOf: (id: number, ref: number) => object, count: number) {
  let asked = Array.from({ length: count }, (_, id) => ({ id, ref: 1 }))
  const started = new Map<unknown, AnswerOf>()
  let [requests, largest] = [0, 0]
  for (; asked.length > 0 && requests < 200; requests += 1) {
    const response = await client.post(asked.map(({ id, ref }) => frameOf(id, ref)))
    largest = Math.max(largest, Buffer.byteLength(response.body))
    for (const answer of framesOf(response)) {
      if (answer.result?.['type'] === 'started') started.set(answer.id, answer)
      if (answer.line !== undefined) expect(answer.line).toMatchObject({ code: 'CONNECTION_LOST', retry: 'now' })
    }
    asked = asked.filter(({ id }) => !started.has(id)).map(({ id, ref }) => ({ id, ref: ref + 1 }))
  }
  return { started, requests, largest }
}

describe('A hundred subscribes of one request', () => {
  test('with pages of 96 KB come to an end, and no response is over 2 MB [TL-HTTP-15]', async () => {
    const world = openWorld()
    await publish(world, ...Array.from({ length: 6 }, () => 'x'.repeat(30_000)))
    const client = await openHttp(world)
    const frameOf = (id: number, ref: number) => subscribeFrame(id, 'replayed', { ref })
    const { started, requests, largest } = await subscribeAll(client, frameOf, 100)
    expect(started.size).toBe(100)
    expect(requests).toBeLessThan(10)
    expect(largest).toBeLessThanOrEqual(responseBytes)
    expect(largest).toBeGreaterThan(1_500_000)
  })

  test('with states of 1 MB come to an end, one or two a response [TL-HTTP-15]', async () => {
    const world = openWorld({ maxMessageBytes: 1_048_576 })
    const client = await openHttp(world)
    const input = { room: 'x', bytes: 1_000_000 }
    const frameOf = (id: number, ref: number) => subscribeFrame(id, 'large', { ref, input })
    const { started, requests, largest } = await subscribeAll(client, frameOf, 20)
    expect(started.size).toBe(20)
    expect(requests).toBeLessThanOrEqual(20)
    expect(largest).toBeLessThanOrEqual(responseBytes)
  })

  test('with a state of the largest size are answered, also together with events [TL-HTTP-15]', async () => {
    const world = openWorld({ maxMessageBytes: 4_194_304 })
    await publish(world, 'first')
    const client = await openHttp(world)
    const most =
      1_966_080 -
      4_096 -
      '{"type":"snapshot","id":"0.xxxxxxxxxxxx:1","data":{"id":"0.xxxxxxxxxxxx:1","data":""}}'.length
    const large = (id: number, bytes: number) => subscribeFrame(id, 'large', { input: { room: 'x', bytes } })
    expect(await client.send(large(1, most))).toMatchObject([
      { result: { type: 'started' } },
      { result: { type: 'snapshot' } },
    ])
    expect(await client.send(large(2, most + 1))).toMatchObject([{ id: 2, line: { code: 'TOO_LARGE' } }])
  })

  test('where nothing more has room do not run, and are asked to come again [TL-HTTP-15]', async () => {
    const room: Room = createRoom()
    const client = await openHttp(room)
    const grown = [1, 2].map((id) => ({ id, method: 'query', params: { path: 'grow', input: 1_000_000 } }))
    const live = { id: 's', method: 'subscription', params: { path: 'live', input: { room: 'x' }, ref: 1 } }
    const answers = await client.send(...grown, live)
    expect(answers.filter(({ id }) => id !== 's')).toHaveLength(2)
    expect(answers).toContainEqual(expect.objectContaining({ id: 's' }))
  })
})

test('An error formatter that adds a lot to each error does not make a response too large [TL-HTTP-15]', async () => {
  const world = openWorld()
  const client = await openHttp(world)
  const frames = Array.from({ length: 100 }, (_, id) => subscribeFrame(id, `${'x'.repeat(500)}`))
  const response = await client.post(frames)
  expect(Buffer.byteLength(response.body)).toBeLessThanOrEqual(responseBytes)
  expect(framesOf(response)).toHaveLength(100)
})
