import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { TestClient } from '../../lambda/test-line.suite.ts'
import { createRoom } from '../subscriptions/room.suite.ts'

const query = { id: 1, method: 'query', params: { path: 'whoami' } }
const oneWay = new Set(['subscription', 'subscription.stop', 'connectionParams'])

/** Whatever came, the answer is one JSON object, an array of them, `PONG` or nothing, and the line stays usable. */
async function survives(client: TestClient, text: string): Promise<void> {
  await client.send(text)
  expect(await client.send(query)).toEqual({ id: 1, result: { type: 'data', data: 'you' } })
}

describe('[LAW-DECODE]: a hostile message', () => {
  test.each([
    '',
    '\uFEFF{"id":1,"method":"query","params":{"path":"whoami"}}',
    '\u0000',
    '\uD800',
    '{"id":"\\ud800","method":"query","params":{"path":"whoami"}}',
    '-0',
    '1e999',
    '9007199254740993',
    '{"id":1,"id":2,"method":"query","params":{"path":"whoami"}}',
    '{"id":1,"method":{"toString":"query"},"params":{"path":"whoami"}}',
    '{"id":1,"method":"query","params":{"path":{"toString":"whoami"}}}',
    '{"id":1,"method":"query","params":{"path":"__proto__.polluted"}}',
    '{"id":1,"method":"query","params":{"path":"then"}}',
    '{"id":1,"method":"constructor","params":{}}',
    '{"__proto__":{"method":"query"},"id":1}',
    '[{"id":1,"method":"query","params":{"path":"whoami"}},null]',
    `[${'1,'.repeat(15_000)}1]`,
    `{"id":1,"method":"query","params":{"path":"whoami","input":${'['.repeat(63)}1${']'.repeat(63)}}}`,
    `{"id":1,"method":"query","params":{"path":"whoami","input":{${Array.from({ length: 2_000 }, (_, n) => `"k${n}":1`).join(',')}}}}`,
    '{"id":1,"method":"subscription","params":{"path":"live","input":{"room":"x"},"ref":-1}}',
    '{"id":1,"method":"subscription","params":{"path":"live","input":{"room":"x"},"ref":1.5}}',
    '{"id":1,"method":"subscription","params":{"path":"live","input":{"room":"x"},"lastEventId":"0.e:-1"}}',
    '{"id":1,"method":"subscription","params":{"path":"live","input":{"room":"x"},"lastEventId":{"a":1}}}',
    '{"id":1,"method":"subscription.stop","params":null}',
    '{"id":1,"method":"subscription.stop","params":{"ref":1e400}}',
    '{"id":1,"method":"sync","params":{"subscriptions":[{"id":1,"ref":1,"from":"9:9:9"}]}}',
    '{"id":1,"method":"sync","params":{"subscriptions":{"length":5}}}',
    '{"method":"connectionParams","data":{"__proto__":{"a":"b"}}}',
    '{"method":"connectionParams"}',
    '{"id":1,"method":"hello","params":{"session":"stolen"}}',
    '{"message":"Internal server error","connectionId":"x","requestId":"y"}',
    '💥'.repeat(8_000),
    '{"id":1,"method":"query","params":{"path":"whoami"',
  ])('such as %.60s throws nothing [TL-BAD-1] [TL-BAD-4] [TL-BAD-5]', async (text) => {
    await survives(await createRoom().connect(), text)
    await survives(await createRoom().connect({ stock: true }), text)
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })
})

const names = fc.constantFrom(
  '__proto__',
  'constructor',
  'toString',
  'then',
  'whoami',
  'live',
  'post',
  'room',
  '',
  'a.b',
  '💥',
  '\uD800',
  '*',
  '#',
)
const odd = fc.oneof(
  fc.constantFrom<unknown>(null, true, -0, 1e308, 2 ** 53 + 1, -1, 0.5, '', '0.e:1', '0.e:-1', ':', [], {}),
  names,
  fc.jsonValue(),
  fc.dictionary(names, fc.jsonValue(), { maxKeys: 4 }),
)
const methods = fc.oneof(
  fc.constantFrom(
    'query',
    'mutation',
    'subscription',
    'subscription.stop',
    'sync',
    'hello',
    'ping',
    'connectionParams',
  ),
  odd,
)
const params = fc.record(
  {
    path: fc.oneof(names, odd),
    input: fc.oneof(fc.constant({ room: 'x' }), odd),
    ref: fc.oneof(fc.nat(3), odd),
    lastEventId: odd,
    key: odd,
    subscriptions: fc.oneof(fc.array(fc.record({ id: odd, ref: odd, from: odd }), { maxLength: 3 }), odd),
  },
  { requiredKeys: [] },
)
const frame = fc.record(
  { id: fc.oneof(fc.nat(9), names, odd), method: methods, params: fc.oneof(params, odd), jsonrpc: odd, data: odd },
  { requiredKeys: [] },
)
const message = fc.oneof(
  { weight: 5, arbitrary: frame },
  { weight: 2, arbitrary: fc.array(frame, { maxLength: 5 }) },
  { weight: 1, arbitrary: odd },
)

describe('[LAW-DECODE]: ten thousand frames of hostile structure', () => {
  test('throw nothing, pollute nothing, and the connection stays usable [TL-BAD-2] [TL-BAD-4] [TL-BAD-5]', async () => {
    const room = createRoom()
    const clients = [await room.connect(), await room.connect({ stock: true })]
    let frames = 0
    await fc.assert(
      fc.asyncProperty(message, fc.nat(1), async (sent, which) => {
        frames += 1
        if (frames % 100 === 0) await room.clock.advance(1_000) // refusals on one-way routes are posts, which are paced
        const client = clients[which] as TestClient
        const method = (sent as { readonly method?: unknown } | null)?.method
        const answer = await client.send(sent)
        if (typeof method === 'string' && oneWay.has(method)) expect(answer).toBeUndefined()
      }),
      { numRuns: 10_000, seed: 12 },
    )
    expect(frames).toBe(10_000)
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
    for (const client of clients) await survives(client, 'PING')
    for (const stock of room.gateway.posted(clients[1]?.connectionId ?? '').slice(0, 2_000))
      expect(Array.isArray(JSON.parse(stock))).toBe(false)
  })
})
