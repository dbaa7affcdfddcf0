import { PassThrough } from 'node:stream'
import { afterEach, describe, expect, test } from 'vitest'
import { createStreamWorld } from '../../runtime/producers/stream-world.suite.ts'
import { settle } from '../test-line.suite.ts'
import { type HttpWorld, openWorld, publish } from './http-world.suite.ts'
import { type ResponseStream, streamify } from './response-stream.ts'

/** Invokes the streaming handler as Lambda does, and shows what has been written so far. */
function open(
  world: Pick<HttpWorld, 'line' | 'backend' | 'handlers'>,
  query: string,
  how: { readonly path?: string; readonly token?: string; readonly stream?: PassThrough } = {},
) {
  const { path = '/read/live', token, stream = new PassThrough() } = how
  let text = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    text += chunk
  })
  const event = {
    ...{ version: '2.0', rawPath: path, rawQueryString: query },
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    requestContext: { requestId: 'r=', http: { method: 'GET', sourceIp: '192.0.2.1' } },
  }
  const state = { hasEnded: false }
  const context = { getRemainingTimeInMillis: () => 60_000 }
  const ended = world.line.withBackend(world.backend, () =>
    world.handlers.httpStream(event, stream as ResponseStream, context),
  )
  void ended.then(() => {
    state.hasEnded = true
  })
  return {
    stream,
    ended,
    hasEnded: () => state.hasEnded,
    prelude: () =>
      JSON.parse(text.split('\0'.repeat(8))[0] ?? '') as { statusCode: number; headers: Record<string, string> },
    body: () => text.split('\0'.repeat(8))[1] ?? '',
  }
}

const room = `input=${encodeURIComponent('{"room":"x"}')}`
const dataOf = (body: string) =>
  body.split('\n\n').flatMap((event) => (event.startsWith('event: data') ? [event.split('data:')[1]] : []))

async function pass({ clock }: Pick<HttpWorld, 'clock'>, ms: number, stepMs = 250) {
  await settle()
  for (let left = ms; left > 0; left -= stepMs) await clock.advance(Math.min(left, stepMs))
}

afterEach(() => {
  Reflect.deleteProperty(globalThis, 'awslambda')
})

describe('Events of a response that is streamed', () => {
  test('come one after the other, each with a control event, and end after 55 s [TL-READ-9]', async () => {
    const world = openWorld()
    await publish(world, 'a')
    const events = open(world, `${room}&offset=-1&live=sse`)
    await settle()
    expect(events.prelude()).toMatchObject({
      statusCode: 200,
      headers: { 'content-type': 'text/event-stream', 'cache-control': 'private, no-cache' },
    })
    expect(events.prelude().headers).not.toHaveProperty('content-length')
    await publish(world, 'b')
    await pass(world, 2_500)
    expect(dataOf(events.body())).toEqual(['[{"text":"a"}]', '[{"text":"b"}]'])
    expect(events.body().match(/event: control/g)).toHaveLength(2)
    await pass(world, 52_000)
    expect(events.hasEnded()).toBe(false)
    await pass(world, 1_000)
    expect(events.hasEnded()).toBe(true)
  })

  test('end with the authority of the caller [TL-READ-9]', async () => {
    const world = openWorld()
    await world.clock.advance(3_600_000 - 10_000)
    const events = open(world, `${room}&offset=-1&live=sse`, { token: 'ann' })
    await pass(world, 9_500)
    expect(events.hasEnded()).toBe(false)
    await pass(world, 500)
    expect(events.hasEnded()).toBe(true)
  })

  test('end within 5 s of a kick [TL-READ-9] [TL-KICK-2]', async () => {
    const world = openWorld()
    const events = open(world, `${room}&offset=-1&live=sse`, { token: 'ann' })
    await pass(world, 1_000)
    await world.line.withBackend(world.backend, () => world.line.kick({ principal: 'ann', reason: 'spam' }))
    await pass(world, 5_000)
    expect(events.hasEnded()).toBe(true)
  })

  test('end when their reader leaves, where the platform says so, and nothing reads the log any more [TL-READ-9]', async () => {
    let reads = 0
    const world = openWorld({
      store: (store) => ({
        ...store,
        readSlots: (...args) => {
          reads += 1
          return store.readSlots(...args)
        },
      }),
    })
    const events = open(world, `${room}&offset=-1&live=sse`)
    await pass(world, 1_000)
    events.stream.destroy()
    await pass(world, 500)
    expect(events.hasEnded()).toBe(true)
    const before = reads
    await pass(world, 10_000)
    expect(reads).toBe(before)
  })

  test('end before what is no page, and the next request is answered with it [TL-READ-9] [TL-READ-6]', async () => {
    const world = openWorld()
    await publish(world, 'a', 'no!')
    const events = open(world, `${room}&offset=-1&live=sse`, { path: '/read/mapped' })
    await pass(world, 500)
    expect([dataOf(events.body()), events.hasEnded()]).toEqual([['[1]'], true])
    const next = /"streamNextOffset":"([^"]+)"/.exec(events.body())?.[1]
    const again = open(world, `${room}&offset=${next}&live=sse`, { path: '/read/mapped' })
    await again.ended
    expect(again.prelude().statusCode).toBe(500)
  })

  test('say that a stream is closed and end then [TL-READ-9] [TL-READ-11]', async () => {
    const world = createStreamWorld()
    await world.run(() => world.answers.start({ chat: 'x' }, { prompt: 'why' }))
    await world.startWorker()
    world.runs[0]?.say('a')
    await world.pass(1_000)
    const query = `input=${encodeURIComponent('{"chat":"x"}')}&offset=-1&live=sse`
    const events = open(world, query, { path: '/read/watch' })
    await world.pass(1_000)
    world.runs[0]?.say('b')
    world.runs[0]?.end()
    await world.pass(5_000)
    expect(dataOf(events.body())).toEqual(['[{"text":"a"}]', '[{"text":"b"}]'])
    expect(events.body()).toMatch(/"streamClosed":true,"streamOutcome":"done"}\n\n$/)
    expect(events.hasEnded()).toBe(true)
  })

  test('move an offset over what a filter leaves out, without data [TL-READ-9]', async () => {
    const world = openWorld()
    const events = open(world, `${room}&offset=-1&live=sse`, { path: '/read/mine', token: 'ann/a' })
    await pass(world, 500)
    await publish(world, 'b')
    await pass(world, 2_500)
    expect(dataOf(events.body())).toEqual([])
    expect(events.body().match(/"streamNextOffset":"0{15}[12]_/g)).toHaveLength(2)
  })
})

describe('A response that is streamed', () => {
  test('has its status and headers first, also without a body and for frames', async () => {
    const world = openWorld()
    const page = open(world, room)
    await page.ended
    expect([page.prelude().statusCode, page.body()]).toEqual([200, '[]'])
    const lost = open(world, '', { path: '/nope' })
    await lost.ended
    expect([lost.prelude().statusCode, JSON.parse(lost.body()).reason]).toEqual([404, 'path'])
  })

  test('goes through the functions of Lambda where they exist', async () => {
    const marked: unknown[] = []
    const opened: unknown[] = []
    Object.assign(globalThis, {
      awslambda: {
        streamifyResponse: (handler: unknown) => {
          marked.push(handler)
          return handler
        },
        HttpResponseStream: {
          from: (stream: ResponseStream, prelude: unknown) => {
            opened.push(prelude)
            return stream
          },
        },
      },
    })
    const world = openWorld()
    const page = open(world, room)
    await page.ended
    expect(marked).toHaveLength(1)
    expect(opened).toMatchObject([{ statusCode: 200, headers: { 'content-type': 'application/json' } }])
  })

  test('is marked for the runtime where a package has made the global without them', () => {
    Object.assign(globalThis, { awslambda: {} })
    const marked = streamify(async () => {})
    expect(Reflect.get(marked, Symbol.for('aws.lambda.runtime.handler.streaming'))).toBe('response')
  })
})
