import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Fate, HttpWorld, type SocketFate } from '../testing/http-world.suite.ts'

const fates: readonly Fate[] = [
  'ok',
  'ok',
  'ok',
  'lost',
  'unanswered',
  'hangs',
  'doubled',
  'cut',
  { status: 429 },
  { status: 502 },
]
const socketFates: readonly SocketFate[] = ['works', 'works', 'blocked', 'hangs', 'mute', 'cut after opening']
const step = fc.oneof(
  { weight: 5, arbitrary: fc.constant(['publish'] as const) },
  {
    weight: 6,
    arbitrary: fc.tuple(fc.constant('pass' as const), fc.constantFrom(10, 50, 300, 2_000, 5_000, 30_000, 70_000)),
  },
  { weight: 3, arbitrary: fc.tuple(fc.constant('call' as const), fc.boolean()) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('sockets' as const), fc.constantFrom(...socketFates)) },
  { weight: 2, arbitrary: fc.constant(['cut'] as const) },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.constant('requests' as const), fc.array(fc.constantFrom(...fates), { maxLength: 6 })),
  },
  { weight: 1, arbitrary: fc.constant(['watch'] as const) },
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

/** Plays the steps, and then lets all faults end. */
async function play(steps: readonly Step[]) {
  const world = new HttpWorld()
  const settled: { readonly keyed: boolean; readonly answer: unknown }[] = []
  let calls = 0
  world.subscribe()
  world.socketFate = 'works'
  await world.pass(1_000)
  expect(world.seen).toEqual(['started'])
  for (const [kind, value] of steps) {
    if (kind === 'publish') world.publish()
    if (kind === 'pass') await world.pass(value)
    if (kind === 'sockets') world.socketFate = value
    if (kind === 'requests') world.fates.push(...value)
    if (kind === 'cut') for (const socket of world.sockets) if (socket.isAlive) socket.lose()
    if (kind === 'watch') world.subscribe()() // begins and ends
    if (kind !== 'call') continue
    calls += 1
    void world.call('mutation', 'm', value ? undefined : false).then((answer) => settled.push({ keyed: value, answer }))
  }
  world.fates.length = 0
  world.socketFate = 'works'
  await world.pass(1_500_000) // longer than the longest time between two probes
  return { world, settled, calls }
}

test('wherever a session moves between socket and HTTP, each event comes once and each call settles once', async () => {
  const property = fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
    const { world, settled, calls } = await play(steps)
    expect(world.seen.filter((each) => each !== 'started' && each !== 'complete')).toEqual(
      Array.from({ length: world.head }, (_, at) => `e:${at + 1}`),
    )
    expect(settled).toHaveLength(calls)
    for (const { keyed, answer } of settled) if (keyed) expect(answer).toBe('m')
    const lost = settled.filter(({ answer }) => answer === 'CONNECTION_LOST may have run').length
    expect(world.effects.length).toBeGreaterThanOrEqual(calls - lost)
    expect(new Set(world.effects).size).toBe(world.effects.length)
    expect(world.connection.state).toEqual({ status: 'open', transport: 'socket' })
    expect(world.mostSockets).toBeLessThanOrEqual(2) // the server may keep what a lost `hello` opened, so HTTP is not counted
    void world.connection.close()
    await world.pass(1_000)
    expect([world.liveSockets, world.timers]).toEqual([0, 0])
  })
  await fc.assert(property, { numRuns: 60 })
})
