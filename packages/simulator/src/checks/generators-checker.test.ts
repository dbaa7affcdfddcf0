import { describe, expect, it } from 'vitest'
import { thrownMessage } from '../records/application.ts'
import type { GeneratorEvent, GeneratorPath, GeneratorSubscription } from '../records/history.ts'
import { createWorld } from '../world/create-world.ts'
import type { World } from '../world/world.ts'
import { checkGenerators, checkRuns } from './generators-checker.ts'

const input = { name: 'g', everyMs: 1_000, last: 3, throws: false, heeds: true }
const worldOf = (record: Partial<GeneratorSubscription>): World => {
  const world = createWorld({ seed: 1, allowed: [], workerMs: 60_000 })
  const at = world.kernel.now
  const about = { device: 'd', path: 'ticks' as GeneratorPath, input, isStock: false, at, ended: undefined }
  world.history.generatorSubscriptions.push({ ...about, events: [], ...record })
  return world
}
const { now } = worldOf({}).kernel
const value = (n: number, run = 1): GeneratorEvent => ({ kind: 'value', at: now, run, n })
const event = (kind: 'started' | 'gap' | 'done'): GeneratorEvent => ({ kind, at: now })
const error = (code: string, message = ''): GeneratorEvent => ({ kind: 'error', at: now, code, message })
const started = event('started')
const broken = (world: World) => world.report.violations.map(({ rule, kind }) => `${rule} ${kind}`)

const all = [started, value(1), value(2), value(3)]
it.each<[title: string, record: Partial<GeneratorSubscription>, broken: readonly string[]]>([
  ['all values', { events: [...all, event('done')], ended: 'done' }, []],
  ['values of a run that continues in another function', { events: [started, value(1), value(2, 2), value(3, 3)] }, []],
  ['a value twice', { events: [...all, value(3)] }, ['H17 doubled']],
  ['a value out of order', { events: [started, value(2), value(1)] }, ['H17 unsignalled', 'H17 doubled']],
  ['all but one value', { events: [started, value(1), value(3)] }, ['H17 unsignalled']],
  ['all but the first value', { events: [started, value(2)] }, ['H17 unsignalled']],
  ['an early end', { events: [started, value(1), event('done')], ended: 'done' }, ['H17 lost']],
  ['a gap of tracked values', { events: [started, value(1), event('gap'), value(1)] }, ['H17 other']],
  ['a gap before the first of them', { events: [started, event('gap'), value(1)] }, []],
  [
    'its own throw',
    { input: { ...input, throws: true }, events: [...all, error('PROCEDURE', thrownMessage)], ended: 'error' },
    [],
  ],
  [
    'its own throw too early',
    { input: { ...input, throws: true }, events: [started, error('PROCEDURE', thrownMessage)], ended: 'error' },
    ['H17 lost'],
  ],
  [
    'its end, and it throws',
    { input: { ...input, throws: true }, events: [...all, event('done')], ended: 'done' },
    ['H17 lost'],
  ],
  ['a loss without a cause', { events: [started, error('GENERATOR_LOST')], ended: 'error' }, ['H15 other']],
  ['a loss of tracked values', { events: [started, value(1), error('GENERATOR_LOST')], ended: 'error' }, ['H15 other']],
  ['a restart without a signal', { path: 'words', events: [started, value(1), value(1, 2)] }, ['H17 unsignalled']],
  [
    'one that was begun again after a gap',
    { path: 'words', events: [started, value(1), event('gap'), value(1, 2)] },
    [],
  ],
  [
    'one that tRPC’s client began again',
    { path: 'words', isStock: true, events: [started, value(1), value(1, 2)] },
    [],
  ],
])('reports the violations of a generator subscription that received %s', (_, record, expected) => {
  const world = worldOf(record)
  checkGenerators(world)
  expect(broken(world)).toEqual(expected)
})

it('accepts a reported loss after a fault or at the end of the function’s time', () => {
  const lost = { path: 'words', ended: 'error' } as const
  const late = { ...lost, events: [started, { ...error('GENERATOR_LOST'), at: now + 48_000 }] }
  const world = worldOf(late)
  checkGenerators(world)
  expect(broken(world)).toEqual([])
})

it('reports an overdue value after faults have stopped', async () => {
  const world = worldOf({ events: [started, value(1)] })
  await world.kernel.run(100_000)
  checkGenerators(world)
  expect(broken(world)).toEqual(['H15 lost'])
})

describe('a stock client whose subscribe got no response', () => {
  const subscribed = async ({ failed, runOn }: { readonly failed: boolean; readonly runOn: string | undefined }) => {
    const world = worldOf({ isStock: true, events: [started, value(1)] })
    const connection = { device: 'd', state: 'open', requestedRefs: new Map(), closedAt: 0 }
    const connections = world.gateway.connections as Map<string, unknown>
    connections.set('c1', { ...connection, connectionId: 'c1', isMute: true, failedSubscribes: new Set() })
    connections.set('c2', { ...connection, connectionId: 'c2', failedSubscribes: new Set(failed ? ['g'] : []) })
    const run = { number: 1, name: 'g', isAlive: () => false, isOpen: false }
    world.history.runs.push({ ...run, connectionId: 'c1' })
    if (runOn !== undefined) world.history.runs.push({ ...run, number: 2, connectionId: runOn })
    await world.kernel.run(100_000)
    checkGenerators(world)
    return broken(world)
  }

  it('may wait if its function failed before the run started, whatever ran on a half-open connection', async () => {
    expect(await subscribed({ failed: true, runOn: undefined })).toEqual([])
    expect(await subscribed({ failed: true, runOn: 'c1' })).toEqual([])
  })

  it('is reported if its function did not fail, or its run had started', async () => {
    expect(await subscribed({ failed: false, runOn: undefined })).toEqual(['H15 lost'])
    expect(await subscribed({ failed: true, runOn: 'c2' })).toEqual(['H15 lost'])
  })
})

it('finds a run without a subscription, and a second run of one subscription', () => {
  const world = worldOf({ events: all })
  const connection = { connectionId: 'c', device: 'd', state: 'open', isMute: false }
  ;(world.gateway.connections as Map<string, unknown>).set('c', connection)
  const run = { number: 1, name: 'g', connectionId: 'c', isAlive: () => true, isOpen: true }
  world.history.runs.push(run, { ...run, isOpen: false }, { ...run, isAlive: () => false })
  checkRuns(world)
  expect(broken(world)).toEqual([])
  world.history.runs.push(run, { ...run, name: 'left' }, { ...run, connectionId: 'gone' })
  checkRuns(world)
  expect(broken(world)).toEqual(['H14 orphaned', 'H14 orphaned', 'H14 orphaned'])
})
