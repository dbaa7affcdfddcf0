import type { SyncFrame } from '@trunkline/protocol'
import { describe, expect, test } from 'vitest'
import { createMachine, helloFrame } from '../../testing/session.suite.ts'

type Machine = ReturnType<typeof createMachine>

/** A session with `count` live logs at position 4. */
function following(count: number, hello: object = {}): Machine {
  const machine = createMachine()
  machine.open(hello)
  for (let id = 1; id <= count; id++) follow(machine, id)
  return machine
}

function follow(machine: Machine, id: number, ref = 1): void {
  if (ref === 1) machine.subscribe(id)
  machine.message({ id, result: { type: 'started', ref, from: 'e:4', head: 'e:4' } })
}

/** The frames of the effects that are a `sync`. */
function syncsOf(effects: readonly string[]): readonly SyncFrame[] {
  const frames = effects.flatMap((effect) => (effect.startsWith('send ') ? [JSON.parse(effect.slice(5))] : []))
  return frames.filter((frame) => frame.method === 'sync')
}

const idsOf = (sync: SyncFrame | undefined) => (sync?.params.subscriptions ?? []).map(({ id }) => id as number)
const sizesOf = (syncs: readonly SyncFrame[]) => syncs.map((sync) => idsOf(sync).length)

/** Answers a sync: these subscriptions are at the head, the others are left out. */
function answer(machine: Machine, sync: SyncFrame | undefined, ids = idsOf(sync)): readonly SyncFrame[] {
  const synced = ids.map((id) => ({ id, result: { type: 'synced', from: 'e:4', head: 'e:4' } }))
  return syncsOf(machine.message(...synced, { id: sync?.id, result: { type: 'data' } }))
}

describe('a sync of more subscriptions than one frame holds [TL-SYNC-7]', () => {
  test('sends its next frame when the one before was answered', () => {
    const machine = following(450)
    const first = syncsOf(machine.fire({ kind: 'ping' }))
    expect(sizesOf(first)).toEqual([200])
    const second = answer(machine, first[0])
    expect(sizesOf(second)).toEqual([200])
    const third = answer(machine, second[0])
    expect(sizesOf(third)).toEqual([50])
    expect(answer(machine, third[0])).toEqual([])
    const asked = [first, second, third].flatMap(([sync]) => idsOf(sync))
    expect(asked).toEqual(Array.from({ length: 450 }, (_, index) => index + 1))
  })

  test('keeps to the size of a frame', () => {
    const machine = following(250, { limits: { frameBytes: 4_000, lifetimeMs: 7_200_000 } })
    let count = 0
    let syncs = syncsOf(machine.fire({ kind: 'ping' }))
    while (syncs.length > 0) {
      expect(syncs).toHaveLength(1)
      expect(JSON.stringify(syncs[0]).length).toBeLessThanOrEqual(4_000)
      count += idsOf(syncs[0]).length
      syncs = answer(machine, syncs[0])
    }
    expect(count).toBe(250)
  })

  test('sends its next frame after 5 s where the one before is not answered, and asks the first ones again', () => {
    const machine = following(250)
    machine.fire({ kind: 'ping' })
    machine.wait(4_999)
    expect(syncsOf(machine.message({ pong: true }))).toEqual([])
    machine.wait(1)
    const [next] = syncsOf(machine.fire({ kind: 'gap', id: 1 }))
    expect(idsOf(next)).toEqual([...Array.from({ length: 50 }, (_, index) => index + 201), 1])
  })

  test('asks for what an answer left out after all others, so that each has its share', () => {
    const machine = following(250)
    const [first] = syncsOf(machine.fire({ kind: 'ping' }))
    const [second] = answer(machine, first, [1])
    expect(idsOf(second)).toEqual([
      ...Array.from({ length: 50 }, (_, index) => index + 201),
      ...Array.from({ length: 150 }, (_, index) => index + 2),
    ])
    const [third] = answer(machine, second)
    expect(idsOf(third)).toEqual(Array.from({ length: 49 }, (_, index) => index + 152))
  })

  test('begins again after an `auth`, since refused frames brought nothing', () => {
    const machine = following(450, { authExpires: 100_000 })
    const [first] = syncsOf(machine.fire({ kind: 'ping' }))
    const refusal = { error: {}, line: { code: 'AUTH_EXPIRED', retry: 'after-auth', mayHaveRun: false } }
    const [second] = syncsOf(machine.message({ id: first?.id, ...refusal }))
    expect(syncsOf(machine.feed({ type: 'token', token: 'fresh' }))).toEqual([])
    const auth = `auth-${machine.state.serial - 1}`
    const authorized = { id: auth, result: { type: 'authorized', authExpires: 1_000_000 } }
    const [again] = syncsOf(machine.message(authorized))
    expect(idsOf(again)).toEqual(idsOf(first))
    machine.message({ id: second?.id, ...refusal })
    expect(sizesOf(answer(machine, again))).toEqual([200])
  })

  test('forgets subscriptions that ended and sockets that were lost', () => {
    const machine = following(250)
    const [first] = syncsOf(machine.fire({ kind: 'ping' }))
    machine.feed({ type: 'unsubscribe', id: 201 })
    machine.feed({ type: 'unsubscribe', id: 1 })
    expect(idsOf(answer(machine, first)[0])).toEqual(Array.from({ length: 49 }, (_, index) => index + 202))

    machine.fire({ kind: 'ping' })
    machine.feed({ type: 'lost', cause: { code: 'network', message: 'gone' } })
    machine.fire({ kind: 'retry' })
    machine.feed({ type: 'opened' })
    const hello = `hello-${machine.state.serial - 1}`
    expect(syncsOf(machine.message({ ...helloFrame(), id: hello }))).toEqual([])
    for (let id = 2; id <= 200; id++) follow(machine, id, 2)
    expect(machine.state.fetches).toEqual([])
  })

  test('does not keep another subscription from its own sync', () => {
    const machine = following(200)
    machine.fire({ kind: 'ping' })
    follow(machine, 300)
    const late = { id: 300, result: { type: 'data', id: 'e:7', prev: 6, data: { id: 'e:7', data: 'x' } } }
    machine.message(late)
    expect(sizesOf(syncsOf(machine.fire({ kind: 'gap', id: 300 })))).toEqual([1])
  })
})
