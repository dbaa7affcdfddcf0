import { type ChunkFrame, maxMessageBytes, messageBytes, partBytes } from '@trunkline/protocol'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createMachine } from '../testing/session.suite.ts'

const most = 2 * maxMessageBytes

type Machine = ReturnType<typeof createMachine>

function opened(): Machine {
  const machine = createMachine()
  machine.open()
  for (const id of [1, 2]) machine.call(id, 'query', { timeoutMs: 3_600_000 })
  return machine
}

/** A chunk of a hostile server: the first one of two, with 100,000 characters, unless `params` differs. */
const chunk = (params: Partial<ChunkFrame['params']> = {}): ChunkFrame => ({
  id: 1,
  method: 'chunk',
  params: { message: 'm', part: 0, of: 2, bytes: 200_000, text: 'x'.repeat(100_000), ...params },
})

/** What the state of the session holds of unfinished messages. */
function heldBy({ state }: Machine) {
  const messages = state.incoming
  const texts = messages.flatMap(({ parts }) => [...parts.values()])
  return {
    messages: messages.length,
    parts: texts.length,
    characters: [...texts, ...messages.map(({ name }) => name)].reduce((sum, { length }) => sum + length, 0),
  }
}

/** Counts the entries that maps copy and the characters that joins read while `act` runs. */
function workOf(act: () => void): { readonly entries: number; readonly characters: number } {
  let characters = 0
  const { join } = Array.prototype
  const set = vi.spyOn(Map.prototype, 'set')
  vi.spyOn(Array.prototype, 'join').mockImplementation(function (this: unknown[], separator) {
    const text = join.call(this, separator)
    characters += text.length
    return text
  })
  act()
  const entries = set.mock.calls.length
  vi.restoreAllMocks()
  return { entries, characters }
}

afterEach(() => {
  vi.restoreAllMocks()
})

describe('of a hostile server the client holds a bounded part [TL-CHUNK-10]', () => {
  test('when thousands of messages have one part each', () => {
    const machine = opened()
    let peak = 0
    const { entries, characters } = workOf(() => {
      for (let index = 0; index < 2_000; index++) {
        machine.message(chunk({ message: `m${index}` }))
        peak = Math.max(peak, heldBy(machine).characters)
      }
    })
    expect(peak).toBeLessThanOrEqual(most)
    expect(entries).toBeLessThan(2_000 * 10)
    expect(characters).toBe(0)
  })

  test('when each part has the highest number that its message may have', () => {
    const machine = opened()
    const of = 1 + Math.floor(maxMessageBytes / partBytes)
    const text = 'x'.repeat(messageBytes - 1_000)
    let peak = 0
    for (let index = 0; index < 500; index++) {
      machine.message(chunk({ message: `m${index}`, part: of - 1 - (index % 9), of, bytes: maxMessageBytes, text }))
      peak = Math.max(peak, heldBy(machine).characters)
    }
    expect(peak).toBeGreaterThan(most / 2)
    expect(peak).toBeLessThanOrEqual(most)
  })

  test('when parts are empty: a part counts as at least partBytes', () => {
    const machine = opened()
    const { entries } = workOf(() => {
      for (let index = 0; index < 5_000; index++) machine.message(chunk({ message: `m${index}`, text: '' }))
    })
    expect(heldBy(machine)).toMatchObject({ messages: most / partBytes, parts: most / partBytes })
    expect(entries).toBeLessThan(5_000 * 10)
  })

  test('when a message is declared with 10^9 parts: none is kept, and the application gets the error [TL-CHUNK-2]', () => {
    const machine = opened()
    for (const params of [
      { of: 1e9, part: 0 },
      { of: 1e9, part: 1e9 - 1 },
      { of: 26, part: 0 },
      { of: 2, part: 2 },
      { of: 1, part: 5 },
      { message: 'm'.repeat(65) },
    ])
      expect(machine.message(chunk(params)), JSON.stringify(params)).toEqual(['protocol-error'])
    expect(heldBy(machine)).toEqual({ messages: 0, parts: 0, characters: 0 })
  })

  test('when parts are repeated: the first one is kept, and a repetition costs no copy [TL-CHUNK-6]', () => {
    const machine = opened()
    machine.message(chunk())
    const { entries } = workOf(() => {
      for (let index = 0; index < 1_000; index++)
        expect(machine.message(chunk({ text: 'y'.repeat(100_000) }))).toEqual([])
    })
    expect(heldBy(machine)).toMatchObject({ messages: 1, parts: 1 })
    expect(entries).toBeLessThan(1_000 * 10)
    expect([...(machine.state.incoming[0]?.parts.values() ?? [])]).toEqual(['x'.repeat(100_000)])
  })

  test('when a later part declares another count or other bytes: it is dropped [TL-CHUNK-6]', () => {
    const machine = opened()
    machine.message(chunk())
    expect(machine.message(chunk({ part: 1, of: 3 }))).toEqual(['protocol-error'])
    expect(machine.message(chunk({ part: 1, bytes: 200_001 }))).toEqual(['protocol-error'])
    expect(heldBy(machine)).toMatchObject({ messages: 1, parts: 1 })
  })

  test('when messages are interleaved: the work for a chunk does not grow with the chunks before it', () => {
    const machine = opened()
    const of = 64
    const names = Array.from({ length: 4 }, (_, index) => `m${index}`)
    const { entries, characters } = workOf(() => {
      for (let round = 0; round < 10; round++)
        for (let part = 0; part < of - 1; part++)
          for (const name of names)
            machine.message(
              chunk({
                message: `${name} ${round}`,
                part,
                of,
                bytes: 64 * partBytes,
                text: 'x'.repeat(partBytes),
              }),
            )
    })
    expect(heldBy(machine).characters).toBeLessThanOrEqual(most + 4_000)
    expect(entries).toBeLessThan(10 * 63 * 4 * (of + 10)) // the parts of one message at most, for each chunk
    expect(characters).toBe(0)
  })

  test('when a whole message has more bytes than it declared, or consists of chunks: nothing of it is applied', () => {
    const machine = opened()
    const answer = JSON.stringify({ id: 1, result: { type: 'data', data: 'x'.repeat(300) } })
    expect(machine.message(chunk({ of: 1, bytes: 100, text: answer }))).toEqual([])
    const inner = chunk({ message: 'inner', of: 1, bytes: 1_000, text: answer })
    expect(machine.message(chunk({ of: 1, bytes: 2_000, text: JSON.stringify([inner]) }))).toEqual([]) // [TL-CHUNK-2]
    expect(machine.message(chunk({ of: 1, bytes: 1_000, text: answer }))).toEqual(['answer 1'])
  })

  test('and the application gets an error when the oldest is dropped, while a later message is still put together', () => {
    const machine = opened()
    const text = JSON.stringify({ id: 2, result: { type: 'data', data: 'x'.repeat(150_000) } })
    const bytes = text.length
    const effects = Array.from({ length: 40 }, (_, index) => machine.message(chunk({ message: `m${index}` }))).flat()
    expect(effects).toEqual(Array.from({ length: 20 }, () => 'protocol-error'))
    const [first, second] = [text.slice(0, 100_000), text.slice(100_000)]
    expect(machine.message(chunk({ message: 'real', bytes, text: first }))).toEqual(['protocol-error'])
    expect(machine.message(chunk({ message: 'real', part: 1, bytes, text: second }))).toEqual(['answer 2'])
  })
})
