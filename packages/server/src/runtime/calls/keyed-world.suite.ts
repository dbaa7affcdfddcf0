import { expect } from 'vitest'
import type { TestClient } from '../../lambda/test-line.suite.ts'
import type { Store } from '../../ports/store.ts'
import { countOperations, type Ended, type Scheduler } from '../explore.suite.ts'
import { createRoom, otherTopic, type Room, slotsOf, withOperations } from '../subscriptions/room.suite.ts'

/** A room, a client that sends one keyed mutation several times, and a moment that its resends wait for. */
export interface KeyedWorld extends Room {
  readonly ann: TestClient
  /** Each run of a procedure that counts. */
  readonly effects: string[]
  readonly later: Promise<void>
  readonly comes: () => void
}

/** Breaks a law in the store's clothes. */
export type Mutant = (store: Store) => Partial<Store>

export const keyedWorld =
  (mutant?: Mutant) =>
  async (scheduler: Scheduler): Promise<KeyedWorld> => {
    const effects: string[] = []
    const room = createRoom({
      scheduler,
      except: ['readSubscribers', 'putReceipt', ...countOperations], // there are no subscribers, and no stream reads receipts
      createContext: () => ({ effects }),
      ...(mutant === undefined ? {} : { store: (inner) => withOperations(inner, mutant) }),
    })
    let comes = () => {}
    const later = new Promise<void>((resolve) => {
      comes = resolve
    })
    return { ...room, ann: await room.connect({ connectionId: 'a' }), effects, later, comes }
  }

export interface Answer {
  readonly result?: { readonly data: unknown }
  readonly line?: { readonly code: string }
}

/** Sends the mutation, under the same key each time. */
export const attempt = (path: string) => (room: KeyedWorld) =>
  room.ann.send({
    id: 'm',
    method: 'mutation',
    params: { path, input: { room: 'x', text: 'once' }, key: 'own.k' },
  }) as Promise<Answer>

/** The same, but only after the moment came. */
export const attemptLater = (path: string) => async (room: KeyedWorld) => {
  await room.later
  return attempt(path)(room)
}

/**
 * The lease of every attempt runs out, and none of them notices: who was running is a zombie from now on, with timers
 * that never fire.
 */
export const leaseRunsOut = (room: KeyedWorld) => {
  room.clock.time += 120_000
  room.comes()
}

const open = new Set(['PENDING', 'FUNCTION_FAILED', 'TIMEOUT'])

/** An answer that ends the call at its client. */
export const isSettled = (answer: Answer) => answer.line === undefined || !open.has(answer.line.code)

/**
 * Checks [LAW-ONE-EFFECT] after all attempts of a mutation have ended: the client asks until it gets a result, and all
 * attempts got the same one. Returns that result.
 */
export async function oneAnswer(room: KeyedWorld, path: string, { returned }: Ended): Promise<Answer> {
  room.clock.time += 120_000
  const last = [await attempt(path)(room), await attempt(path)(room)]
  const answers = [...returned.values(), ...last].filter((answer): answer is Answer => isAnswer(answer))
  const settled = new Set(answers.filter(isSettled).map((answer) => JSON.stringify(answer)))
  expect([...settled]).toHaveLength(1) // [TL-KEY-1]
  expect(isSettled(last[0] as Answer)).toBe(true) // no key is RUNNING for ever
  return last[0] as Answer
}

const isAnswer = (value: unknown) => typeof value === 'object' && value !== null && 'id' in value && value.id === 'm'

/** How often the logs have the mutation's events, and at which offsets. */
export async function eventsOf(room: KeyedWorld): Promise<readonly string[]> {
  const slots = [...(await slotsOf(room)), ...(await slotsOf(room, otherTopic))]
  return slots.flatMap(({ data, offset }) => (data?.includes('once') ? [`${data}@${offset}`] : []))
}

/** As an SDK does: the first request took effect, its answer was lost, the second meets its own. */
export const forgetful: Mutant = (store) => ({
  claimKey: async (claim) => {
    await store.claimKey(claim)
    return store.claimKey(claim)
  },
  settleKey: async (settle) => {
    await store.settleKey(settle)
    return store.settleKey(settle)
  },
  recordBase: async (record) => {
    await store.recordBase(record)
    return store.recordBase(record)
  },
})
