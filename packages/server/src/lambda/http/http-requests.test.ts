import { afterEach, describe, expect, test } from 'vitest'
import { createRoom, type Room, type RoomOptions } from '../../runtime/subscriptions/room.suite.ts'
import { settle } from '../test-line.suite.ts'
import { framesOf, mutationFrame, openHttp, queryFrame, request } from './http-client.suite.ts'

const rooms: Room[] = []
const openRoom = (options: RoomOptions = {}) => {
  const room = createRoom(options)
  rooms.push(room)
  return room
}
afterEach(() => {
  for (const room of rooms.splice(0)) expect(room.misdirected).toEqual([])
})

const whoami = queryFrame(1, 'whoami')
const yours = { id: 1, result: { type: 'data', data: 'you' } }

describe('POST /frames', () => {
  test.each(['/frames', '/prod/frames', '/api/v1/frames', '/%24default/frames'])(
    'is served at %s: a stage or a base path may be in front [TL-HTTP-1]',
    async (path) => {
      expect(framesOf(await request(openRoom(), { path, body: [whoami] }))).toEqual([yours])
    },
  )
  test.each(['/', '', '/frames/', '/frames/x', '/xframes', '/Frames', 'frames'])(
    'is not served at %j',
    async (path) => {
      const response = await request(openRoom(), { path, body: [whoami] })
      expect([response.statusCode, JSON.parse(response.body).reason]).toEqual([404, 'path'])
    },
  )
  test.each(['GET', 'PUT', 'DELETE', 'HEAD', 'PATCH'])('is not %s', async (method) => {
    const response = await request(openRoom(), { method, body: [whoami] })
    expect([response.statusCode, response.headers['allow']]).toEqual([405, 'POST, OPTIONS'])
  })

  test('takes a body in base64, and headers of any case [TL-HTTP-1]', async () => {
    const room = openRoom()
    const body = [queryFrame(1, 'echo', { room: 'x', text: 'ü "quoted" \u2028' })]
    const headers = { 'content-type': undefined, 'CONTENT-TYPE': 'application/json' }
    for (const base64 of [true, false])
      expect(framesOf(await request(room, { base64, body, headers }))).toEqual([
        { id: 1, result: { type: 'data', data: 'ü "quoted" \u2028' } },
      ])
  })

  test.each<[string, string]>([
    ['no JSON', '{'],
    ['an empty body', ''],
    ['a single frame', JSON.stringify(whoami)],
    ['a text', '"frames"'],
    ['null', 'null'],
    ['PING', 'PING'],
  ])('refuses %s with 400 and says what it expected [TL-HTTP-1]', async (_, body) => {
    const response = await request(openRoom(), { body })
    expect(response.statusCode).toBe(400)
    expect(JSON.parse(response.body)).toEqual({
      reason: 'malformed',
      message: expect.stringContaining('Expected a JSON array of frames as the body, got '),
    })
  })
  test('refuses a body in base64 that is not UTF-8', async () => {
    const room = openRoom()
    const event = {
      version: '2.0',
      rawPath: '/frames',
      headers: { 'content-type': 'application/json' },
      body: Buffer.from([0x5b, 0xff, 0x5d]).toString('base64'),
      isBase64Encoded: true,
      requestContext: { http: { method: 'POST' } },
    }
    expect(await room.line.withBackend(room.backend, () => room.handlers.http(event, {}))).toMatchObject({
      statusCode: 400,
    })
  })

  test('answers an empty array with an empty array [TL-HTTP-1]', async () => {
    expect((await request(openRoom(), { body: [] })).body).toBe('[]')
  })
  test('answers malformed frames each under its own id, and the others too [TL-HTTP-1] [TL-BATCH-2]', async () => {
    const deep = {
      ...queryFrame(3, 'whoami'),
      params: { path: 'whoami', input: JSON.parse(`${'['.repeat(80)}${']'.repeat(80)}`) },
    }
    const body = [{ id: 2, method: 'nope' }, whoami, 5, deep]
    const answers = framesOf(await request(openRoom(), { body }))
    expect(answers).toHaveLength(4)
    expect(answers).toContainEqual(yours)
    for (const id of [2, null, 3])
      expect(answers).toContainEqual(
        expect.objectContaining({ id, line: expect.objectContaining({ code: 'MALFORMED' }) }),
      )
  })
  test('runs nothing of an array beyond the batch limit [TL-BATCH-3]', async () => {
    const effects: string[] = []
    const room = openRoom({ createContext: () => ({ effects }) })
    const client = await openHttp(room)
    const many = Array.from({ length: 101 }, (_, id) => mutationFrame(id, 'tell', { input: { room: 'x', text: 'a' } }))
    const answers = await client.send(...many)
    expect(answers).toHaveLength(101)
    expect(answers[0]).toMatchObject({ error: { message: 'Batch call exceeds maximum size' } })
    expect(effects).toEqual([])
  })
  test.each([
    ['chunk', { id: 1, method: 'chunk', params: { message: 'm', part: 0, of: 1, bytes: 2, text: '[]' } }],
    ['connectionParams', { method: 'connectionParams', data: { a: 'b' } }],
  ])('refuses %s in words [TL-HTTP-17]', async (method, frame) => {
    const client = await openHttp(openRoom())
    expect(await client.send(frame)).toMatchObject([
      { line: { code: 'MALFORMED' }, error: { message: expect.stringContaining(method) } },
    ])
  })
  test('answers ping', async () => {
    expect(await (await openHttp(openRoom())).send({ method: 'ping' })).toEqual([{ pong: true }])
  })
  test('is refused in another payload format, with what to set', async () => {
    const room = openRoom()
    await expect(room.handlers.http({ version: '1.0', httpMethod: 'POST', path: '/frames' }, {})).rejects.toThrow(
      'Set the payload format of the HTTP API',
    )
  })
  test('is served by `handler` too', async () => {
    const room = openRoom()
    const event = {
      ...{ version: '2.0', rawPath: '/frames', headers: { 'content-type': 'application/json' } },
      ...{ body: JSON.stringify([whoami]), requestContext: { requestId: 'r', http: { method: 'POST' } } },
    }
    expect(await room.line.withBackend(room.backend, () => room.handlers.handler(event, {}))).toMatchObject({
      statusCode: 200,
    })
  })
})

describe('The bounds of a request', () => {
  const withInput = (text: string) =>
    `[{"id":1,"method":"query","params":{"path":"echo","input":{"room":"x","text":"${text}"}}}]`

  test('are maxMessageBytes, quotes and all: one byte more is 413 with both sizes [TL-HTTP-15]', async () => {
    const room = openRoom()
    const frame = withInput('\\"'.repeat(500_000)).padEnd(1_048_576)
    expect(Buffer.byteLength(frame)).toBe(1_048_576)
    expect((await request(room, { body: frame })).statusCode).toBe(200)
    for (const base64 of [true, false]) {
      const response = await request(room, { body: `${frame} `, base64 })
      expect([response.statusCode, JSON.parse(response.body)]).toEqual([
        413,
        { reason: 'too-large', message: expect.stringContaining('1048576 bytes, got 1048577 bytes') },
      ])
    }
  })
  test('are 1,966,080 bytes at most, whatever maxMessageBytes is [TL-HTTP-15]', async () => {
    const room = openRoom({ maxMessageBytes: 4_194_304 })
    const client = await openHttp(room)
    expect(client.hello.result?.['limits']).toMatchObject({ frameBytes: 1_966_080, maxMessageBytes: 1_966_080 })
    expect((await request(room, { body: `[${' '.repeat(1_966_079)}]` })).statusCode).toBe(413)
  })
})

describe('The bounds of a response', () => {
  test('are 2 MB: a call whose answer has no room is TOO_LARGE, and the others are answered [TL-HTTP-15]', async () => {
    const client = await openHttp(openRoom())
    const response = await client.post([1, 2, 3].map((id) => queryFrame(id, 'grow', 900_000)))
    expect(Buffer.byteLength(response.body)).toBeLessThan(2_097_152)
    const answers = framesOf(response)
    expect(answers.filter(({ result }) => result !== undefined)).toHaveLength(2)
    expect(answers.filter(({ line }) => line !== undefined)).toMatchObject([
      { line: { code: 'TOO_LARGE', retry: 'never', mayHaveRun: true } },
    ])
  })
  test('leave room for the error of each of a hundred calls [TL-HTTP-15]', async () => {
    const client = await openHttp(openRoom())
    const response = await client.post(Array.from({ length: 100 }, (_, id) => queryFrame(id, 'grow', 100_000)))
    expect(Buffer.byteLength(response.body)).toBeLessThan(2_097_152)
    expect(framesOf(response)).toHaveLength(100)
  })
  test('let one answer be as large as maxMessageBytes [TL-HTTP-15]', async () => {
    const client = await openHttp(openRoom({ maxMessageBytes: 4_194_304 }))
    const fits = 1_966_080 - '{"id":1,"result":{"type":"data","data":""}}'.length
    expect(await client.send(queryFrame(1, 'grow', fits))).toMatchObject([{ id: 1, result: { type: 'data' } }])
    expect(await client.send(queryFrame(1, 'grow', fits + 1))).toMatchObject([{ id: 1, line: { code: 'TOO_LARGE' } }])
  })
})

describe('The deadline of a request', () => {
  test('is 28 s for all its frames: a slow one is TIMEOUT, and the others are answered [TL-HTTP-1]', async () => {
    const slow = openRoom({ createContext: () => new Promise(() => {}) })
    const client = await openHttp(slow)
    const answered = client.send(queryFrame(1, 'whoami'), { method: 'ping' })
    await settle()
    await slow.clock.advance(28_000)
    expect(await answered).toEqual(
      expect.arrayContaining([
        { pong: true },
        expect.objectContaining({ id: 1, line: expect.objectContaining({ code: 'TIMEOUT' }) }),
      ]),
    )
  })
})
