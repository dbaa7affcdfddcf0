import fc from 'fast-check'
import { expect, test } from 'vitest'
import { World } from '../testing/world.suite.ts'

const fate = fc.constantFrom('deliver', 'deliver', 'lose', 'double')
/** The faults of a log and its messages. */
const events = [
  { weight: 6, arbitrary: fc.constant(['publish'] as const) },
  { weight: 8, arbitrary: fc.tuple(fc.constant('message' as const), fc.nat(20), fate) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('connect' as const), fc.nat(1)) },
  { weight: 2, arbitrary: fc.constant(['tick'] as const) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('cut' as const), fc.nat(1)) },
  { weight: 1, arbitrary: fc.constant(['loseNext'] as const) },
]
/** The further faults of a connection. */
const interruptions = [
  { weight: 3, arbitrary: fc.constant(['notice'] as const) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('connect' as const), fc.nat(1), fc.boolean()) },
  { weight: 2, arbitrary: fc.constant(['expire'] as const) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('token' as const), fc.boolean()) },
  { weight: 4, arbitrary: fc.tuple(fc.constant('mutate' as const), fc.boolean(), fc.boolean()) },
  { weight: 1, arbitrary: fc.constant(['busy'] as const) },
]
const restore = [{ weight: 1, arbitrary: fc.constant(['restore'] as const) }]
const scheduleOf = (
  ...actions: readonly { readonly weight: number; readonly arbitrary: fc.Arbitrary<readonly unknown[]> }[]
) => fc.array(fc.oneof(...actions), { maxLength: 120 })

/** A world with a subscription from the beginning of its log. */
function createSubscribedWorld(handlesGaps: boolean): World {
  const world = new World(handlesGaps)
  world.connect(0)
  world.message(0, 'deliver')
  world.message(0, 'deliver') // started at 0: no event after this may be missed
  return world
}
function play(world: World, schedule: readonly (readonly unknown[])[]): void {
  for (const [action, ...values] of schedule) Reflect.apply(world[action as 'tick'], world, values)
}

/** Checks that each event was delivered once and in order, that every gap was reported, and that none is missing. */
function checkLog({ seen, log }: World): void {
  let last: string | undefined = 'e0:0'
  for (const each of seen) {
    if (each === 'gap') last = undefined
    else if (each === 'fail GAP') last = 'over'
    else {
      expect(last).not.toBe('over')
      const [epoch, offset] = each.split(':')
      if (last !== undefined) expect(last).toBe(`${epoch}:${Number(offset) - 1}`)
      last = each
    }
  }
  if (last !== 'over' && last !== undefined) expect(last).toBe(`e${log.epoch}:${log.head}`)
}

test.each([true, false])(
  'under any faults each event is delivered once and in order, and every gap is reported (gaps handled: %s)',
  (handlesGaps) => {
    const property = fc.property(scheduleOf(...events, ...restore), (schedule) => {
      const world = createSubscribedWorld(handlesGaps)
      play(world, schedule)
      world.settle()
      checkLog(world)
    })
    fc.assert(property, { numRuns: 1_000 })
  },
)

test('a subscription with snapshots has no gap: the next snapshot contains what cannot be replayed [TL-SNAP-1] [TL-SNAP-2]', () => {
  const property = fc.property(scheduleOf(...events, ...interruptions, ...restore), (schedule) => {
    const world = new World(false, 'a snapshot')
    play(world, schedule)
    world.settle()
    let last: string | undefined
    for (const each of world.seen) {
      const [epoch, offset] = each.replace('snapshot ', '').split(':')
      if (!each.startsWith('snapshot ')) expect(last).toBe(`${epoch}:${Number(offset) - 1}`)
      else if (last?.startsWith(`${epoch}:`)) expect(Number(offset)).toBeGreaterThanOrEqual(Number(last.split(':')[1]))
      last = `${epoch}:${offset}`
    }
    expect(last).toBe(`e${world.log.epoch}:${world.log.head}`)
  })
  fc.assert(property, { numRuns: 1_000 })
})

test('hand-overs, expired authorization and mutations lose no event, wherever they are interrupted [TL-HAND-2] [TL-AUTH-3]', () => {
  const property = fc.property(scheduleOf(...events, ...interruptions), (schedule) => {
    const world = createSubscribedWorld(true)
    play(world, schedule)
    world.settle()
    expect(world.seen).not.toContain('gap')
    checkLog(world)
  })
  fc.assert(property, { numRuns: 1_000 })
})

test('each mutation settles once; a keyed one has one key and one effect, any other at most one effect [TL-KEY-1] [TL-KEY-8]', () => {
  const property = fc.property(scheduleOf(...events, ...interruptions), (schedule) => {
    const world = createSubscribedWorld(true)
    play(world, schedule)
    world.settle()
    const { calls, settled, texts, effects } = world.record
    expect([...settled].sort()).toEqual(calls.map(({ id }) => id))
    for (const { id, keyed } of calls) {
      const sent = texts.get(id) ?? []
      expect(new Set(sent.map((text) => text.replace(',"resend":true', ''))).size).toBeLessThanOrEqual(1)
      if (keyed) expect(sent.map((text) => text.includes('"resend":true'))).toEqual(sent.map((_, n) => n > 0))
      if (keyed) for (const text of sent) expect(text).toContain('"key":"auto.')
      expect(effects.filter((other) => other === id).length).toBeLessThanOrEqual(1)
    }
  })
  fc.assert(property, { numRuns: 1_000 })
})

test('mutations with one orderingKey take effect in the order in which they were made [TL-LANE-1]', () => {
  const property = fc.property(scheduleOf(...events, ...interruptions), (schedule) => {
    const world = createSubscribedWorld(true)
    play(world, schedule)
    world.settle()
    const ordered = new Set(world.record.calls.flatMap(({ id, orderingKey }) => (orderingKey ? [id] : [])))
    const effects = world.record.effects.filter((id) => ordered.has(id))
    expect(effects).toEqual([...effects].sort())
  })
  fc.assert(property, { numRuns: 1_000 })
})

test('there are at most two sockets, one at rest, and no socket and no timer after close [TL-HAND-4]', () => {
  const property = fc.property(scheduleOf(...events, ...interruptions), fc.boolean(), (schedule, settles) => {
    const world = createSubscribedWorld(true)
    play(world, schedule)
    if (settles) {
      world.settle()
      expect(world.sockets.size).toBe(1)
    }
    world.close()
    expect(world.record.mostSockets).toBeLessThanOrEqual(2)
    expect(world.record.mostAtRest).toBeLessThanOrEqual(1)
    expect([...world.sockets, ...world.timers.keys()]).toEqual([])
    expect(world.record.settled).toHaveLength(world.record.calls.length)
  })
  fc.assert(property, { numRuns: 1_000 })
})
