import { describe, expect, test } from 'vitest'
import type { TestClient } from '../../lambda/test-line.suite.ts'
import type { Store } from '../../ports/store.ts'
import { createScheduleTable } from '../delivery/schedule-table.suite.ts'
import { countOperations, type Exploration } from '../explore.suite.ts'
import { createRoom, type Room, slotsOf, withOperations } from '../subscriptions/room.suite.ts'
import { inParts } from './chunked.suite.ts'

const table = createScheduleTable('chunks')

interface Upload extends Room {
  readonly ann: TestClient
  /** Each run of the mutation. */
  readonly effects: string[]
}
type Mutant = (store: Store) => Partial<Store>

const mutation = { id: 'm', method: 'mutation', params: { path: 'tell', input: { room: 'x', text: 'once' } } }
const keyed = {
  id: 'm',
  method: 'mutation',
  params: { path: 'tally', input: { room: 'x', text: 'once' }, key: 'own.k' },
}

const world =
  (mutant?: Mutant): Exploration<Upload>['world'] =>
  async (scheduler) => {
    const effects: string[] = []
    const room = createRoom({
      scheduler,
      except: ['readSubscribers', 'putReceipt', ...countOperations],
      createContext: () => ({ effects }),
      ...(mutant === undefined ? {} : { store: (inner) => withOperations(inner, mutant) }),
    })
    return { ...room, ann: await room.connect({ connectionId: 'a' }), effects }
  }

/** Sends the n-th of a message's parts. */
const part = (n: number, of: number, frame = mutation) => {
  const parts = inParts(frame, of)
  return (room: Upload) => room.ann.send(parts[n])
}
const answersOf = (returned: ReadonlyMap<string, unknown>) =>
  [...returned.values()].filter((each) => each !== undefined)

/** An unkeyed mutation in parts, each sent once or twice: it runs once if no function dies, and never twice. */
const upload = (
  operations: Exploration<Upload>['operations'],
  faults: Partial<Exploration<Upload>> = {},
  mutant?: Mutant,
): Exploration<Upload> => ({
  world: world(mutant),
  operations,
  ...faults,
  check({ effects }, { killed, lost, returned }) {
    expect(effects.length).toBeLessThanOrEqual(1)
    const answers = answersOf(returned)
    expect(answers.length).toBeLessThanOrEqual(1)
    if (killed !== undefined || lost !== undefined) return
    expect(effects).toEqual(['once']) // [TL-CHUNK-5]
    expect(answers).toMatchObject([{ id: 'm', result: { type: 'data' } }])
  },
})

const two = { first: part(0, 2), second: part(1, 2) }
const three = { first: part(0, 3), second: part(1, 3), third: part(2, 3) }

describe('a message in chunks that each run in a function of their own', () => {
  test('runs once in any order, also when an invocation dies [TL-CHUNK-5]', () =>
    table.holds('two parts ∥ kill', upload(two, { kills: Object.keys(two) })))
  test('runs once though each part comes twice [TL-CHUNK-5]', () =>
    table.holds('two parts, each doubled', upload({ ...two, again: part(0, 2), more: part(1, 2) })))
  test('runs once though the part that completes it comes twice and either dies [TL-CHUNK-5]', () =>
    table.holds(
      'two parts ∥ one doubled ∥ kill',
      upload({ ...two, again: part(1, 2) }, { kills: ['second', 'again'] }),
    ))
  test('runs once though an answer of the table is lost [TL-CHUNK-5]', () =>
    table.holds('two parts ∥ one doubled ∥ a lost answer', {
      ...upload({ ...two, again: part(1, 2) }, { losses: ['first', 'second', 'again'] }),
      check: ({ effects }) => expect(effects.length).toBeLessThanOrEqual(1),
    }))
  test('of three parts runs once [TL-CHUNK-5]', () =>
    table.holds('three parts ∥ kill', upload(three, { kills: ['second'] })))
  test('takes each request that is repeated after a lost answer for a success [TL-CHUNK-5]', () =>
    table.holds(
      'two parts, each request repeated',
      upload(two, {}, ({ putPart, notePart, claimUpload }) => ({
        putPart: async (each) => {
          await putPart(each)
          return putPart(each)
        },
        notePart: async (each) => {
          await notePart(each)
          return notePart(each)
        },
        claimUpload: async (each) => {
          await claimUpload(each)
          return claimUpload(each)
        },
      })),
    ))
})

describe('a message in chunks, when a rule is broken', () => {
  test('runs twice where a claim is not conditional: the explorer finds it', () =>
    table.catches(
      'a claim while another claim exists',
      upload({ ...two, again: part(1, 2) }, {}, (store) => ({
        claimUpload: async (claim) => {
          await store.claimUpload(claim)
          return 'claimed'
        },
      })),
    ))
  test('is never whole where a part is counted before it is stored: the explorer finds it', () =>
    table.catches(
      'the note before the part',
      upload(two, {}, (store) => {
        const parts: (() => Promise<unknown>)[] = []
        return {
          putPart: async (part) => {
            parts.push(() => store.putPart(part))
            return 'put'
          },
          notePart: async (note) => {
            const noted = await store.notePart(note)
            await parts.shift()?.()
            return noted
          },
        }
      }),
    ))
  test('is never run where the last note is what decides, and its answer is lost: the explorer finds it', () =>
    table.catches('only the first to see all parts claims', {
      ...upload(two, {}, (store) => ({
        notePart: async (note) => {
          await store.notePart(note)
          const again = await store.notePart(note) // the SDK's own retry after a lost answer
          return again.row.noted === again.row.of ? { ...again, row: { ...again.row, owner: 'somebody' } } : again
        },
      })),
    }))
})

describe('a keyed mutation in chunks', () => {
  test('that is sent again under a new name, since its first function died, has one effect and one answer [TL-CHUNK-9] [TL-KEY-1]', () =>
    table.holds('two parts ∥ kill, then sent again', {
      world: world(),
      operations: { first: part(0, 2, keyed), second: part(1, 2, keyed) },
      kills: ['first', 'second'],
      async check(room) {
        room.clock.time += 120_000 // the lease of the dead invocation
        const again = inParts(keyed, 2).map((each) => ({ ...each, params: { ...each.params, message: 'm2' } }))
        const answers = [await room.ann.send(again[0]), await room.ann.send(again[1])]
        expect(answers[1]).toMatchObject({ id: 'm', result: { type: 'data' } })
        expect((await slotsOf(room)).filter(({ data }) => data?.includes('once'))).toHaveLength(1)
      },
    }))
})
