// One file over 200 lines: chunks to and from the server share their helpers.

import { type ChunkFrame, limits, toChunks, utf8Bytes } from '@trunkline/protocol'
import { describe, expect, test } from 'vitest'
import { createMachine, helloFrame } from '../testing/session.suite.ts'
import type { NewCall } from './machine/events.ts'

const frameBytes = limits.frameBytes.value
const usualLimits = { frameBytes, lifetimeMs: 7_200_000, maxMessageBytes: limits.maxMessageBytes.value, batchSize: 100 }

function opened(limits: object = usualLimits) {
  const machine = createMachine()
  machine.open({ limits })
  return machine
}
type Machine = ReturnType<typeof createMachine>

/** The sent messages. */
const sentOf = (effects: readonly string[]) =>
  effects.flatMap((effect) => (effect.startsWith('send ') ? [effect.slice('send '.length)] : []))
const chunksOf = (effects: readonly string[]) => sentOf(effects).map((text) => JSON.parse(text) as ChunkFrame)
const joined = (chunks: readonly ChunkFrame[]) => chunks.map(({ params }) => params.text).join('')

function call(machine: Machine, id: number, { text, ...options }: { text: string } & Partial<NewCall>): string[] {
  return machine.call(id, 'query', { bytes: utf8Bytes(text), text, ...options })
}

describe('a frame that is larger than a message may be', () => {
  test('is sent in chunks that fit, in one step and in order [TL-LIM-1] [TL-CHUNK-1]', () => {
    const text = JSON.stringify('"ünï🦊'.repeat(20_000))
    const effects = call(opened(), 1, { text })
    const chunks = chunksOf(effects)
    expect(chunks.length).toBeGreaterThan(5)
    expect(joined(chunks)).toBe(text)
    for (const each of sentOf(effects)) expect(utf8Bytes(each)).toBeLessThanOrEqual(frameBytes)
    for (const chunk of chunks) expect(chunk).toMatchObject({ id: 1, params: { bytes: utf8Bytes(text) } })
  })
  test('fails above the limit before anything is sent; the error names its size and the limit [TL-CHUNK-4]', () => {
    const most = limits.maxMessageBytes.value
    const machine = opened()
    expect(sentOf(call(machine, 1, { text: 'x'.repeat(most) }))).not.toEqual([])
    const [failed, ...others] = machine.feed({
      type: 'call',
      call: {
        id: 2,
        method: 'query',
        text: '',
        bytes: most + 1,
        timeoutMs: 1_000,
        key: null,
        mayHaveRun: false,
        nonce: null,
        resends: true,
      },
    })
    expect([failed, ...others]).toEqual(['fail 2 TOO_LARGE'])
  })
  test('fails above the server’s own limit, and above one message when the server has none [TL-CHUNK-4]', () => {
    const lower = opened({ ...usualLimits, maxMessageBytes: 50_000 })
    expect(call(lower, 1, { text: 'x'.repeat(50_001) })).toEqual(['fail 1 TOO_LARGE'])
    expect(chunksOf(call(lower, 2, { text: 'x'.repeat(50_000) }))).toHaveLength(2)
    const { maxMessageBytes: _, ...without } = usualLimits
    expect(call(opened(without), 1, { text: 'x'.repeat(frameBytes + 1) })).toEqual(['fail 1 TOO_LARGE'])
  })
  test('that waited for a socket fails when the server’s limit turns out to be lower [TL-CHUNK-4]', () => {
    const machine = createMachine()
    expect(call(machine, 1, { text: 'x'.repeat(100_000) })).toEqual(['connect'])
    machine.feed({ type: 'opened' })
    expect(machine.message(helloFrame({ limits: { ...usualLimits, maxMessageBytes: 50_000 } }))).toEqual([
      'fail 1 TOO_LARGE',
    ])
  })
  test('is sent again whole under another name after a lost socket, with its key and `resend` [TL-CHUNK-9] [TL-KEY-8]', () => {
    const machine = opened()
    const text = `{"id":1,"method":"mutation","params":{"path":"p","input":"${'x'.repeat(50_000)}"}}`
    const first = chunksOf(call(machine, 1, { text, method: 'mutation', nonce: 'n'.repeat(22) }))
    machine.feed({ type: 'lost', cause: { code: 'network', message: 'gone' } })
    machine.fire({ kind: 'retry' })
    machine.feed({ type: 'opened' })
    const again = chunksOf(machine.message({ ...helloFrame({ limits: usualLimits }), id: 'hello-3' }))
    expect(joined(first)).toContain('"key":"auto.')
    expect(joined(again)).toBe(joined(first).replace(/}}$/, ',"resend":true}}'))
    expect(again[0]?.params.message).not.toBe(first[0]?.params.message)
  })
  test('of a subscribe is sent in chunks too [TL-CHUNK-1]', () => {
    const machine = opened()
    const input = 'x'.repeat(50_000)
    const effects = machine.feed({ type: 'subscribe', subscription: { id: 7, path: 'live', input, handlesGaps: true } })
    expect(JSON.parse(joined(chunksOf(effects)))).toMatchObject({ id: 7, method: 'subscription', params: { ref: 1 } })
  })
})

describe('subscriptions that are resumed together [TL-SUB-15]', () => {
  function greeted(count: number, limits: object = usualLimits) {
    const machine = createMachine()
    for (let id = 1; id <= count; id++) machine.subscribe(id)
    machine.feed({ type: 'opened' })
    return { machine, sent: sentOf(machine.message(helloFrame({ limits }))) }
  }
  const resumed = (count: number, limits: object = usualLimits) => greeted(count, limits).sent
  const start = (machine: Machine, from: number, to: number) =>
    Array.from({ length: to - from }, (_, index) => index + from).flatMap((id) =>
      sentOf(machine.message({ id, result: { type: 'started', ref: 1, from: 'e:1', head: 'e:1' } })),
    )
  const idsOf = (texts: readonly string[]) =>
    texts.flatMap((text) => [JSON.parse(text) as { id: number } | { id: number }[]].flat()).map(({ id }) => id)

  test('start at most two hundred at a time; the next are sent when a hundred have started', () => {
    const { machine, sent } = greeted(250)
    expect(idsOf(sent)).toHaveLength(200)
    expect(start(machine, 1, 50)).toEqual([])
    expect(idsOf(start(machine, 50, 51))).toEqual(Array.from({ length: 50 }, (_, index) => index + 201))
  })
  test('do not wait for one that never starts: another one is sent instead', () => {
    const { machine } = greeted(250)
    machine.wait(10_000)
    expect(idsOf(sentOf(machine.fire({ kind: 'started', id: 3 })))).toEqual([3, 201])
  })
  test('are all sent again after another lost socket, except those that had started', () => {
    const { machine } = greeted(250)
    machine.feed({ type: 'lost', cause: { code: 'network', message: 'gone' } })
    machine.fire({ kind: 'retry' })
    machine.feed({ type: 'opened' })
    const sent = sentOf(machine.message({ ...helloFrame({ limits: usualLimits }), id: 'hello-2' }))
    expect(idsOf(sent)).toHaveLength(200)
  })
  test('are sent in arrays of the size that the server accepts, each attempt once', () => {
    const sent = resumed(150)
    expect(sent).toHaveLength(2)
    const frames = sent.flatMap((text) => JSON.parse(text) as { id: number; params: { ref: number } }[])
    expect(frames.map(({ id }) => id)).toEqual(Array.from({ length: 150 }, (_, index) => index + 1))
    expect(new Set(frames.map(({ params }) => params.ref))).toEqual(new Set([1]))
  })
  test('never make an array that is too large for the gateway', () => {
    for (const text of resumed(200, { ...usualLimits, frameBytes: 500 }))
      expect(utf8Bytes(text)).toBeLessThanOrEqual(500)
  })
  test('are sent singly to a server without arrays, and when there is only one', () => {
    const { batchSize: _, ...without } = usualLimits
    for (const sent of [resumed(3, without), resumed(1)])
      for (const text of sent) expect(JSON.parse(text)).toMatchObject({ method: 'subscription' })
  })
  test('are sent in arrays, except one that needs chunks', () => {
    const machine = createMachine()
    machine.subscribe(1)
    machine.feed({
      type: 'subscribe',
      subscription: { id: 2, path: 'live', input: 'x'.repeat(50_000), handlesGaps: true },
    })
    machine.subscribe(3)
    machine.feed({ type: 'opened' })
    const sent = sentOf(machine.message(helloFrame({ limits: usualLimits }))).map(
      (text) => JSON.parse(text) as ChunkFrame,
    )
    expect(sent.map(({ id, method }) => [id, method])).toEqual([
      [1, 'subscription'],
      [2, 'chunk'],
      [2, 'chunk'],
      [3, 'subscription'],
    ])
  })
})

describe('a message that arrives in chunks [TL-CHUNK-10]', () => {
  const answer = (id: number, size = 300_000) =>
    JSON.stringify({ id, result: { type: 'data', data: 'x'.repeat(size) } })
  const partsOf = (id: number, { text = answer(id), message = `m${id}` } = {}) =>
    toChunks({ id, message, text }, limits.messageBytes.value).map((part) => JSON.parse(part) as ChunkFrame)

  function asking(...ids: readonly number[]) {
    const machine = opened()
    for (const id of ids) call(machine, id, { text: '{}', timeoutMs: 3_600_000 })
    return machine
  }
  const feedAll = (machine: Machine, parts: readonly ChunkFrame[]) => parts.flatMap((part) => machine.message(part))

  test.each([
    ['in their order', (parts: readonly ChunkFrame[]) => parts],
    ['backwards', (parts: readonly ChunkFrame[]) => parts.toReversed()],
    ['doubled', (parts: readonly ChunkFrame[]) => parts.flatMap((part) => [part, part])],
  ])('is handled once when it is complete, with its parts %s', (_, order) => {
    const parts = partsOf(1)
    expect(parts).toHaveLength(3)
    expect(feedAll(asking(1), order(parts))).toEqual(['answer 1'])
  })
  test('is not mixed with another one, nor with one of the same name on another socket', () => {
    const machine = asking(1, 2)
    const [one, two] = [partsOf(1), partsOf(2)]
    const mixed = one.flatMap((part, index) => [part, two[index] as ChunkFrame])
    expect(feedAll(machine, mixed)).toEqual(['answer 1', 'answer 2'])
    const moving = asking(1)
    moving.wait(20_000)
    moving.message({ id: null, method: 'reconnect' })
    const [first, ...others] = partsOf(1)
    moving.messageOf(2, first as ChunkFrame)
    expect(feedAll(moving, others)).toEqual([])
  })
  test('may contain an event of a subscription, or an array of frames', () => {
    const machine = opened()
    machine.subscribe(7)
    const started = { id: 7, result: { type: 'started', ref: 1, from: 'e:1', head: 'e:2' } }
    const event = { id: 7, result: { type: 'data', id: 'e:2', data: { id: 'e:2', data: 'x'.repeat(200_000) } } }
    expect(feedAll(machine, partsOf(7, { text: JSON.stringify([started, event]) }))).toEqual([
      'started 7',
      'deliver 7 e:2',
    ])
  })
  test('shows that the socket works even while it is incomplete [TL-PING-3]', () => {
    const machine = asking(1)
    machine.fire({ kind: 'ping' })
    machine.message(partsOf(1)[0] as ChunkFrame)
    expect(machine.timers.has('pong')).toBe(false)
  })
  test('is dropped with its socket, after 30 s, and when too much is stored', () => {
    const lost = asking(1)
    lost.message(partsOf(1)[0] as ChunkFrame)
    lost.feed({ type: 'lost', cause: { code: 'network', message: 'gone' } })
    expect(lost.state.incoming).toEqual([])

    const late = asking(1)
    const [first, ...others] = partsOf(1)
    late.message(first as ChunkFrame)
    late.wait(30_000)
    expect(feedAll(late, others)).toEqual([])
    expect(late.state.incoming).toHaveLength(1) // of the later parts, which a duplicate chunk may still complete

    const full = asking(...Array.from({ length: 30 }, (_, index) => index + 1))
    for (let id = 1; id <= 30; id++) full.message(partsOf(id)[0] as ChunkFrame)
    const heldBytes = full.state.incoming.reduce((sum, { parts }) => sum + [...parts.values()].join('').length, 0)
    expect(heldBytes).toBeLessThanOrEqual(2 * limits.maxMessageBytes.value)
    expect(feedAll(full, partsOf(30).slice(1))).toContain('answer 30')
    expect(feedAll(full, partsOf(1).slice(1))).not.toContain('answer 1')
  })
  test('above maxMessageBytes fails the call or subscription that waits for it, with its size and the limit [TL-CHUNK-4]', () => {
    const machine = asking(1)
    machine.subscribe(7)
    const huge = (id: number) => ({
      ...partsOf(id)[0],
      params: { message: 'm', part: 0, of: 9, bytes: 1_048_577, text: '' },
    })
    expect(machine.message(huge(1))).toEqual(['fail 1 TOO_LARGE may have run'])
    expect(machine.message(huge(7))).toEqual([
      'send {"id":7,"method":"subscription.stop","params":{"ref":1}}',
      'fail 7 TOO_LARGE',
    ])
    expect(machine.message(huge(99))).toEqual([])
    expect(machine.state.incoming).toEqual([])
  })
  test('that is not valid changes nothing; the application gets the error of a chunk that fits no message', () => {
    const machine = asking(1)
    for (const [params, effects] of [
      [{ message: 'a', part: 5, of: 1, bytes: 10, text: 'x' }, ['protocol-error']],
      [{ message: 'b', part: 0, of: 1, bytes: 10, text: '{' }, []],
      [{ message: 'c', part: 0, of: 0, bytes: 10, text: '{}' }, ['protocol-error']],
    ] as const)
      expect(machine.message({ id: 1, method: 'chunk', params })).toEqual(effects)
  })
})
