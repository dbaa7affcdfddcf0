import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sealGlobals } from '../kernel/globals.ts'
import { hereOf, hooks, topicOf } from '../records/application.ts'
import { createWorld } from './create-world.ts'
import { loadOldTable, oldTable } from './table/old-table.ts'
import type { World } from './world.ts'

let world: World
let unseal: () => void
beforeEach(() => {
  world = createWorld({ seed: 1, allowed: [], startsOld: true })
  unseal = sealGlobals()
})
afterEach(() => {
  unseal()
  hooks.current = undefined
})

interface Frame {
  readonly id: unknown
  readonly result?: {
    readonly type: string
    readonly id?: string
    readonly ref?: number
    readonly data?: unknown
    readonly gap?: unknown
  }
  readonly error?: unknown
}
function framesOf(connectionId: string): readonly Frame[] {
  return (world.oldSockets.get(connectionId)?.messages ?? []).flatMap(
    (text) => JSON.parse(text) as Frame | readonly Frame[],
  )
}
/** The events of a subscription in these frames. */
const eventsOf = (frames: readonly Frame[]) =>
  frames.flatMap(({ result }) => {
    const tracked = result?.type === 'data' ? (result.data as { readonly data?: unknown } | undefined) : undefined
    return tracked?.data === undefined ? [] : [tracked.data]
  })
const ofId = (connectionId: string, id: string) =>
  framesOf(connectionId).filter((frame) => JSON.stringify(frame.id) === id)
const send = (connectionId: string, frame: object) =>
  world.oldSockets.get(connectionId)?.wire.send(JSON.stringify(frame))
const connectionOf = (device: string) =>
  oldTable.connections.find((each) => each.device === device)?.connectionId ?? device
const head = (room: string) => world.table.published.of(topicOf(room)).length
const rowsOf = (topic: string) =>
  [0, 1].flatMap((shard) => world.table.operations.readSubscribers(topic, shard, {}).subscribers)

describe('rows of the previous version', () => {
  it('include at least one of every kind', () => {
    const kinds = new Set(oldTable.items.map(({ pk }) => String(pk).split('#')[0]))
    expect([...kinds].sort()).toEqual(['CONN', 'IDEM', 'LOG', 'PART', 'PRES', 'SENT', 'SUBS', 'TURN', 'UPLOAD'].sort())
    expect(() => loadOldTable(world.table.operations, { items: [{ pk: 'OTHER#1', sk: '#' }] })).toThrow('OTHER#1')
  })

  it('deliver new events to each of their subscriptions', async () => {
    const subscribers = [...rowsOf(topicOf('a')), ...rowsOf(topicOf('b'))]
    expect(subscribers.length).toBeGreaterThan(8)
    for (const room of ['a', 'b']) world.publish(room, { n: 3_000 }) // divisible by three, so `thirds` passes it
    await world.kernel.run(20_000)
    for (const { topic, connectionId, id, path } of subscribers) {
      expect([path, topic, eventsOf(ofId(connectionId, id))]).toEqual([path, topic, [{ n: 3_000 }]])
    }
  })

  it('are filtered by the procedure and the input that they contain', async () => {
    world.publish('a', { n: 3_001 })
    await world.kernel.run(20_000)
    const filtered = rowsOf(topicOf('a')).filter(({ path }) => path === 'thirds')
    expect(filtered.length).toBe(2)
    for (const { connectionId, id } of filtered) expect(eventsOf(ofId(connectionId, id))).toEqual([])
    expect(eventsOf(framesOf(connectionOf('d2')))).toEqual([{ n: 3_001 }])
  })

  it('let a client sync from their cursors without a gap', async () => {
    world.publish('a', { n: 3_000 })
    await world.kernel.run(20_000)
    const at = oldTable.subscriptions.find(({ device, path }) => device === 'd2' && path === 'live')?.at
    const id = rowsOf(topicOf('a')).find(({ connectionId }) => connectionId === connectionOf('d2'))?.id ?? ''
    const before = framesOf(connectionOf('d2')).length
    send(connectionOf('d2'), {
      ...{ id: 90, method: 'sync' },
      params: { subscriptions: [{ id: JSON.parse(id), ref: 1, from: at }] },
    })
    await world.kernel.run(5_000)
    const answers = framesOf(connectionOf('d2')).slice(before)
    expect(answers[0]?.result).toMatchObject({ type: 'synced' })
    expect(answers[0]?.result?.gap).toBeUndefined()
    expect(eventsOf(answers)).toEqual([{ n: 3_000 }])
  })

  it('let a client resume completely from one of their cursors', async () => {
    const first = `0.${world.table.published.of(topicOf('b'))[0]?.slot.epoch}:4`
    send(connectionOf('raw'), {
      ...{ id: 91, method: 'subscription' },
      params: { path: 'live', input: { room: 'b' }, lastEventId: first, ref: 5 },
    })
    await world.kernel.run(5_000)
    const own = framesOf(connectionOf('raw')).filter(({ id }) => id === 91)
    const [started, ...events] = own
    expect(started?.result).toMatchObject({ type: 'started' })
    expect(started?.result?.gap).toBeUndefined()
    expect(events.length).toBe(head('b') - 4)
  })

  it('are stopped by a frame, and deleted with their connection', async () => {
    const [d2, d3] = [connectionOf('d2'), connectionOf('d3')]
    send(d2, { id: 1, method: 'subscription.stop', params: { ref: 1 } })
    world.oldSockets.get(d3)?.wire.close()
    await world.kernel.run(5_000)
    const left = [...rowsOf(topicOf('a')), ...rowsOf(topicOf('b'))]
    expect(left.filter(({ connectionId }) => connectionId === d3)).toEqual([])
    expect(left.filter(({ connectionId, id }) => connectionId === d2 && id === '1')).toEqual([])
    expect(world.table.operations.readConnection(d3)?.state).toBe('CLOSED')
  })

  it('return the stored outcome of a key without another run', async () => {
    const before = [head('a'), new Map(world.history.charges)]
    const device = world.addDevice({ principal: 'p1' })
    const settled = oldTable.calls.filter(({ device, settled }) => device === 'd1' && settled > 0)
    for (const { path, room, n, key } of settled) device.call(path, room, { n, key })
    await world.kernel.run(20_000)
    const answers = world.history.calls.slice(-settled.length).map(({ answer }) => answer)
    expect(answers).toEqual(
      settled.map(({ answer }) =>
        answer !== undefined && 'error' in answer ? expect.objectContaining({ error: answer.error }) : answer,
      ),
    )
    expect([head('a'), new Map(world.history.charges)]).toEqual(before)
  })

  it('settle a key whose function died as unknown after its lease has expired', async () => {
    const lost = oldTable.calls.find(({ settled }) => settled === 0)
    expect(lost?.path).toBe('bill')
    await world.kernel.run(65_000)
    const device = world.addDevice({ principal: 'p1' })
    device.call('bill', 'a', { n: lost?.n ?? 0, key: lost?.key ?? '' })
    await world.kernel.run(20_000)
    expect(world.history.calls.at(-1)?.answer).toMatchObject({ code: 'OUTCOME_UNKNOWN' })
    expect(world.history.charges.get(lost?.n ?? 0)).toBe(1)
  })

  it('accept the missing chunk of a message', async () => {
    const before = head('b')
    world.oldSockets.get(connectionOf('raw'))?.wire.send(oldTable.rest)
    await world.kernel.run(20_000)
    expect(framesOf(connectionOf('raw')).find(({ id }) => id === 3)?.result?.data).toMatchObject({
      id: expect.any(String),
    })
    expect(head('b')).toBe(before + 1)
  })

  it('show their members until each lease has expired', async () => {
    const watcher = world.addDevice()
    const record = watcher.subscribePresence('watched', 'a')
    await world.kernel.run(2_000)
    expect(record.events.find(({ kind }) => kind === 'here')).toMatchObject({ members: { p1: 0, p2: 1 } })
    await world.kernel.run(400_000)
    expect(record.events.filter(({ kind }) => kind === 'leave').length).toBe(2)
    expect(world.table.operations.readPresences(hereOf('a'), {}).rows).toEqual([])
  })
})
