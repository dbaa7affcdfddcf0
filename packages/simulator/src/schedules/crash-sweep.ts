import type { GeneratorSubscription, SubscriptionRecord } from '../records/history.ts'
import type { FunctionName, PlannedKill } from '../world/functions/invocation.ts'
import { type Outcome, runSchedule } from './schedule.ts'
import type { Workload } from './workloads/workload.ts'

/** A small scripted workload in which every handler runs at least once. The one kill is its only fault. */
const sweptWorkload: Workload = {
  faults: [],
  activeMs: 100_000,
  settleMs: 2 * 325_000 + 60_000,
  begin(world) {
    const [one, two] = [world.addDevice({ principal: 'p1' }), world.addDevice()]
    let record: SubscriptionRecord | undefined
    world.after(0, () => one.subscribe('live', 'a'))
    world.after(100, () => two.subscribe('thirds', 'a'))
    world.after(200, () => (record = two.subscribe('replayed', 'b')))
    world.after(300, () => two.subscribe('snapshot', 'a'))
    world.after(3_000, () => one.call('post', 'a', { n: world.nextN() }))
    world.after(4_000, () => two.call('bill', 'b', { n: world.nextN() }))
    world.after(5_000, () => one.call('spread', 'a', { n: world.nextN() }))
    world.after(6_000, () => two.call('refuse', 'a', { n: world.nextN() }))
    world.after(6_500, () => two.call('count', 'a', { n: 0 }))
    world.after(7_000, () => world.publish('a', { key: 'sweep', tries: 4 }))
    world.after(8_000, () => world.publish('b'))
    world.after(9_000, () => record !== undefined && two.stop(record))
    world.after(10_000, () => one.cut())
    world.after(10_200, () => world.publish('a'))
    world.after(14_000, () => one.call('post', 'a', { n: world.nextN() }))
    world.after(15_000, () => world.table.operations.growShards('room?room=s:a', 1, 2))
    world.after(16_000, () => two.subscribe('live', 'a'))
    world.after(17_000, () => one.call('post', 'a', { n: world.nextN() }))
    const input = { everyMs: 1_500, last: 4, throws: false, heeds: true }
    world.after(20_000, () => two.subscribeGenerator('ticks', { ...input, name: 'tracked' }))
    world.after(20_500, () => one.subscribeGenerator('words', { ...input, name: 'plain' }))
    let generator: GeneratorSubscription | undefined
    world.after(21_000, () => (generator = two.subscribeGenerator('ticks', { ...input, name: 'left', last: 1e9 })))
    world.after(26_000, () => generator !== undefined && two.unsubscribeGenerator(generator))
  },
}

/** One kill of the sweep, and the outcome of its schedule. */
export interface Swept {
  readonly handler: FunctionName
  readonly kill: PlannedKill
  readonly outcome: Outcome
}

const seed = 1

/**
 * Kills each invocation of the scripted workload at each of its port calls, before the call and between its effect and
 * its response, one kill per schedule. Returns the schedules that broke a rule, and the number of schedules.
 */
export async function sweepCrashes(
  each: () => Promise<void> = async () => {},
): Promise<{ readonly kills: number; readonly failed: readonly Swept[] }> {
  const whole = await runSchedule({ seed, workload: sweptWorkload })
  const failed: Swept[] = []
  if (whole.violations.length > 0)
    throw new Error(`The workload of the sweep fails without a kill: ${JSON.stringify(whole.violations[0])}`)
  let kills = 0
  for (const [invocation, { name, calls }] of whole.invocations.entries()) {
    for (let call = 1; call <= calls; call++)
      for (const side of ['before', 'after'] as const) {
        const kill: PlannedKill = { invocation, call, side }
        const outcome = await runSchedule({ seed, workload: sweptWorkload, kill })
        kills += 1
        if (outcome.violations.length > 0) failed.push({ handler: name as FunctionName, kill, outcome })
        await each()
      }
  }
  return { kills, failed }
}
