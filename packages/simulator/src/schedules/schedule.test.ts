import { describe, expect, it } from 'vitest'
import { sweepCrashes } from './crash-sweep.ts'
import { runSchedule } from './schedule.ts'
import { replayCommand, shrink } from './shrink.ts'
import { rotation, type WorkloadName } from './workloads/workloads.ts'

const yieldToEventLoop = () => new Promise<void>((resolve) => void setImmediate(resolve))
const minute = 60_000

describe('a schedule', () => {
  it('has the same history for the same seed', async () => {
    for (const workload of rotation) {
      const [one, other] = [await runSchedule({ seed: 7, workload }), await runSchedule({ seed: 7, workload })]
      expect(other).toEqual(one)
      expect((await runSchedule({ seed: 8, workload })).hash).not.toBe(one.hash)
    }
  })

  it('has the same history when only its strikes are replayed', async () => {
    const whole = await runSchedule({ seed: 11, workload: 'chat' })
    expect(whole.struck.length).toBeGreaterThan(5)
    const replayed = await runSchedule({ seed: 11, workload: 'chat', only: whole.struck })
    expect(replayed.hash).toBe(whole.hash)
    expect((await runSchedule({ seed: 11, workload: 'chat', only: [] })).struck).toEqual([])
  })

  it('restores the globals, and rejects their use while it runs', async () => {
    const before = [Date.now, Math.random, globalThis.setTimeout]
    const faults = [] as const
    const begin = () => void Math.random()
    const outcome = await runSchedule({ seed: 1, workload: { faults, activeMs: 1, settleMs: 1, begin } })
    expect(outcome.violations[0]?.text).toContain('Expected a schedule to use no random')
    expect([Date.now, Math.random, globalThis.setTimeout]).toEqual(before)
  })
})

/** The number of schedules of a workload. Polls have many events, so of those over HTTP there are less. */
const schedulesOf = (workload: WorkloadName) => (polling.includes(workload) ? 5 : 20)
const polling: readonly WorkloadName[] = ['http', 'http-rewound', 'moving']

describe('random schedules under faults', () => {
  it.each(rotation.map((workload) => [schedulesOf(workload), workload] as const))(
    'keep every rule: %i of %s',
    async (schedules, workload) => {
      const broken: string[] = []
      for (let seed = 1; seed <= schedules; seed++) {
        const outcome = await runSchedule({ seed, workload })
        if (outcome.violations.length > 0)
          broken.push(`${outcome.violations[0]?.text}: ${replayCommand({ workload }, outcome)}`)
        await yieldToEventLoop()
      }
      expect(broken).toEqual([])
    },
    2 * minute,
  )
})

describe('a stock client behind a half-open socket', () => {
  it('is not reported if the function of its next subscribe failed before a run started', async () => {
    const only = 'F12.5,F23.117,F22.5,F7.7,F3.8,F19.187'.split(',')
    const outcome = await runSchedule({ seed: 987_655_472, workload: 'stock-generators', only })
    expect(outcome).toMatchObject({ violations: [], struck: expect.arrayContaining(only) })
  })
})

describe('a stock client whose stream is longer than its subscribe may take', () => {
  it('gets the rest from another function, though the subscribe ends at its deadline', async () => {
    const outcome = await runSchedule({ seed: 163, workload: 'stock-streams', only: ['F36.2'] })
    expect(outcome).toMatchObject({ violations: [], struck: ['F36.2'] })
  })
})

describe('devices behind proxies', () => {
  it('use sockets and HTTP, and move between them while both work', async () => {
    const seen = { sockets: 0, requests: 0, movesToSocket: 0, movesToHttp: 0 }
    const trace = (line: string) => {
      if (line.includes(' open c')) seen.sockets += 1
      if (line.includes(' response 200')) seen.requests += 1
      if (line.endsWith('moved to socket')) seen.movesToSocket += 1
      if (line.endsWith('moved to http')) seen.movesToHttp += 1
    }
    for (let seed = 1; seed <= 3; seed++)
      expect(await runSchedule({ seed, workload: 'moving', trace })).toMatchObject({ violations: [] })
    expect(seen.sockets).toBeGreaterThan(5)
    expect(seen.requests).toBeGreaterThan(50)
    expect(seen.movesToSocket).toBeGreaterThan(2)
  })

  it.each(['http', 'both'] as const)('keep every rule of another workload: %s', async (transport) => {
    for (const workload of ['keyed', 'presence'] as const) {
      const outcome = await runSchedule({ seed: 3, workload, transport })
      expect(outcome.violations).toEqual([])
      expect(outcome.invocations.some(({ name }) => name === 'http')).toBe(true)
    }
  })

  it('report a post to a connection over HTTP, which throws', async () => {
    const outcome = await runSchedule({
      seed: 1,
      workload: {
        ...{ faults: [], activeMs: 1_000, settleMs: 1_000 },
        begin: ({ gateway }) => void gateway.post('http-1', '{}'),
      },
    })
    expect(outcome.violations.map(({ rule }) => rule)).toEqual(['H21', 'H15'])
  })
})

describe('a stock client among readers who come in several pages', () => {
  it('learns that its stream has failed', async () => {
    const only = 'F35.83,F35.85,F35.131,F35.135,F35.164,F35.181,F35.261,F35.263,F35.401,F35.412,F35.438'.split(',')
    const outcome = await runSchedule({ seed: 30_184, workload: 'stock-streams', only })
    expect(outcome).toMatchObject({ violations: [], struck: only })
  })
})

describe('stock clients in a quiet room', () => {
  it('keep their sockets when idle connections of frozen functions are reset', async () => {
    const faults = ['F50'] as const
    const outcome = await runSchedule({
      seed: 3,
      workload: {
        ...{ faults, certain: faults, activeMs: 20 * minute, settleMs: minute, hasStock: true },
        begin(world) {
          for (let count = 0; count < 2; count++) {
            const device = world.addDevice({ stock: true })
            world.after(1_000, () => device.subscribe('live', 'a'))
          }
          for (let time = 1; time < 10; time++) world.after(time * 2 * minute, () => world.publish('a'))
        },
      },
    })
    expect(outcome).toMatchObject({ violations: [], connections: 2 })
    expect(outcome.delivered).toBe(2 * (9 + 3)) // three more after the schedule has settled
    expect(outcome.struck.filter((name) => name.startsWith('F50.')).length).toBeGreaterThan(10)
  })
})

describe('a flood', () => {
  it('is refused, and its connection is deleted, without any fault [TL-RATE-2]', async () => {
    const failed: string[] = []
    const outcome = await runSchedule({
      seed: 1,
      trace: (line) => void (line.includes('failed RATE_LIMITED') && failed.push(line)),
      workload: {
        ...{ faults: [], activeMs: minute, settleMs: minute, hasRates: true },
        begin(world) {
          const device = world.addDevice({ principal: 'p' })
          device.subscribe('live', 'a')
          for (let n = 0; n < 16; n++)
            world.after(1_000 + n * 500, () => device.call('post', 'a', { n: world.nextN(), pad: 45_000 }))
        },
      },
    })
    expect(outcome.violations).toEqual([])
    expect(failed.length).toBeGreaterThan(5)
    expect(outcome.connections).toBeGreaterThan(1)
    // three of the six events after the schedule has settled are in the other room
    expect(outcome).toMatchObject({ delivered: outcome.published - 3, gaps: 0 })
  })
})

describe('an hour of a generator', () => {
  it('is one subscription across functions of 15 minutes, without a duplicate, a lost value or a gap', async () => {
    const outcome = await runSchedule({ seed: 1, workload: 'hour', only: [] })
    expect(outcome).toMatchObject({ violations: [], gaps: 0 })
    expect(outcome.invocations.filter(({ name }) => name === 'worker').length).toBeGreaterThan(6)
  })

  it('is the same under faults', { timeout: 2 * minute }, async () => {
    for (let seed = 1; seed <= 10; seed++)
      expect(await runSchedule({ seed, workload: 'hour' })).toMatchObject({ violations: [] })
  })
})

describe('a crash sweep', () => {
  it(
    'kills every handler at every port call, and breaks no rule',
    async () => {
      const { kills, failed } = await sweepCrashes(yieldToEventLoop)
      expect(kills).toBeGreaterThan(200)
      expect(failed.map(({ handler, kill, outcome }) => ({ handler, kill, broken: outcome.violations[0] }))).toEqual([])
    },
    2 * minute,
  )
})

describe('shrinking', () => {
  it('keeps only the strikes that are needed to make a schedule fail', async () => {
    // An application that relies on a mutation without a key: a duplicated frame duplicates it, which the checker
    // excuses only if F10 or F21 struck.
    const workload = {
      faults: ['F1', 'F7', 'F8', 'F9', 'F11', 'F22'] as const,
      activeMs: 20_000,
      settleMs: minute,
      swallowed: ['sync'],
      begin: (world: Parameters<Exclude<Parameters<typeof runSchedule>[0]['workload'], string>['begin']>[0]) => {
        const device = world.addDevice()
        device.subscribe('live', 'a')
        for (let time = 0; time < 10; time++) world.after(1_000 + time * 1_500, () => world.publish('a'))
      },
    }
    for (let seed = 1; ; seed++) {
      const failed = await runSchedule({ seed, workload })
      if (failed.violations.length === 0 || failed.struck.length < 8) continue
      const smallest = await shrink({ seed, workload }, failed)
      expect(smallest.violations[0]?.rule).toBe(failed.violations[0]?.rule)
      expect(smallest.struck.length).toBeLessThan(3)
      const again = await runSchedule({ seed, workload, only: smallest.struck })
      expect(again.violations).toEqual(smallest.violations)
      return
    }
  })
})
