import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import {
  check,
  localRuns,
  predictAll,
  readPredictions,
  tolerance,
} from '../../benchmarks/scale/src/calibration/calibrate.ts'
import { parseFanOut } from '../../benchmarks/scale/src/calibration/fan-out.ts'
import { predictLocal, toLocalTimes } from '../../benchmarks/scale/src/calibration/local-line.ts'
import { replacePart } from '../../benchmarks/scale/src/document.ts'
import { createSimulation } from '../../benchmarks/scale/src/engine/kernel.ts'
import { createLog } from '../../benchmarks/scale/src/engine/log.ts'
import { createBucket } from '../../benchmarks/scale/src/engine/resources.ts'
import { awsTimes, lineDefaults, shardSizes } from '../../benchmarks/scale/src/engine/service-times.ts'
import { createWallLog, defaultQuotas } from '../../benchmarks/scale/src/engine/walls.ts'
import { runScenarios, scenarios } from '../../benchmarks/scale/src/report.ts'
import type { Result } from '../../benchmarks/scale/src/scenarios/result.ts'
import { repository } from '../repository.ts'

const document = readFileSync(join(repository, 'docs/reference/scale.md'), 'utf8')
const isLong = process.env['TRUNKLINE_SCALE'] === 'all'
const small = 0.01 // of the full size

function resultsOf(name: string, share = small): readonly Result[] {
  const scenario = scenarios.find((each) => each.name === name)
  if (scenario === undefined) throw new Error(`Expected a scenario ${name}.`)
  return scenario.run({ share, quotas: { ...defaultQuotas, posts: 10_000 * share, connects: 500 * share } })
}

describe('docs/reference/scale.md', () => {
  it.runIf(isLong)('has what `npm run benchmark:scale` prints', { timeout: 1_200_000 }, () => {
    expect(document).toBe(replacePart(document, 'scenarios', runScenarios()))
  })

  it('has a table for each scenario, and the walls that it met with the quota to raise', () => {
    for (const { title } of scenarios) expect(document).toContain(`### ${title}`)
    expect(document).toContain('The quota to raise: API Gateway: throttle rate of the account.')
  })

  it('has the same figures for a scenario on each run', () => {
    const [line] = runScenarios({ chosen: ['churn'] }).split('\n\n')
    expect(document).toContain(line)
  })
})

describe('the model', () => {
  it('gives the same results for the same seed', () => {
    expect(resultsOf('many-topics')).toEqual(resultsOf('many-topics'))
  })

  it('posts one event to everybody at the rate of the account, and is slower by unequal shards', () => {
    const [old, , equal] = resultsOf('one-event', 0.05)
    expect(equal?.seconds).toBeGreaterThan(99)
    expect(equal?.seconds).toBeLessThan(102)
    expect(old?.seconds).toBeGreaterThan(Number(equal?.seconds))
    expect(old?.walls).toEqual(['posts'])
    expect(old?.usd).toBeGreaterThan(0.05) // 50,000 posts
  })

  it('lets clients of a storm in at the rate of new connections', () => {
    const [storm] = resultsOf('reconnect')
    expect(storm?.seconds).toBeGreaterThan(2_000)
    expect(storm?.seconds).toBeLessThan(2_200)
    expect(storm?.walls[0]).toBe('connects')
  })

  it('finds that independent writers of one topic reach less than 200 appends a second', () => {
    const results = resultsOf('hot-topic', 1).slice(3, 6)
    const appended = results.map(({ figures }) => Number(figures['appended a second']))
    expect(appended[0]).toBe(100)
    expect(appended[2]).toBeLessThan(200)
    expect(results[2]?.walls[0]).toBe('partitionWrites')
  })

  test.each([
    [4_000, [4_000]],
    [10_000, [5_000, 5_000]],
    [12_000, [5_000, 5_000, 1_000, 1_000]],
  ])('puts an audience of %i into the shards %j', (audience, sizes) => expect(shardSizes(audience)).toEqual(sizes))

  it('has the options of the product by default', () => {
    const options = readFileSync(join(repository, 'packages/server/src/lambda/options.ts'), 'utf8')
    const defaultOf = (name: string) =>
      Number(new RegExp(`@default (\\d+)\\n\\s+\\*/\\n\\s+readonly ${name}\\?`).exec(options)?.[1])
    expect(lineDefaults.maxConcurrentPosts).toBe(defaultOf('maxConcurrentPosts'))
    expect(lineDefaults.maxDirectAudience).toBe(defaultOf('maxDirectAudience'))
    const delivery = readFileSync(join(repository, 'packages/server/src/runtime/delivery/deliver-shard.ts'), 'utf8')
    expect(delivery).toContain('const shardRows = 5_000')
    expect(lineDefaults.shardRows).toBe(5_000)
  })
})

describe('the engine', () => {
  it('runs events by their time, and those of one time in their order', () => {
    const sim = createSimulation(1, 'order')
    const ran: string[] = []
    for (const [ms, name] of [
      [5, 'c'],
      [1, 'a'],
      [5, 'd'],
      [3, 'b'],
    ] as const)
      sim.after(ms, () => ran.push(`${name}${sim.now()}`))
    sim.run()
    expect(ran).toEqual(['a1', 'b3', 'c5', 'd5'])
  })

  it('has a bucket that refuses beyond its rate, or makes wait', () => {
    const sim = createSimulation(1, 'bucket')
    const bucket = createBucket(sim, { perSecond: 10, burst: 2 })
    expect([bucket.take(), bucket.take(), bucket.take()]).toEqual([true, true, false])
    expect(bucket.reserve()).toBeCloseTo(100, 6)
    expect(bucket.reserve()).toBeCloseTo(200, 6)
  })

  it('has a log without holes and doubles, however writers race', () => {
    const sim = createSimulation(1, 'log')
    const log = createLog(sim, createWallLog(), { times: awsTimes, perSecond: 1_000 })
    const offsets: number[] = []
    for (let n = 0; n < 50; n++)
      sim.after(n, () => log.append((result) => typeof result === 'object' && offsets.push(result.offset)))
    sim.run()
    expect(offsets.sort((a, b) => a - b)).toEqual(Array.from({ length: offsets.length }, (_, n) => n + 1))
    expect(offsets.length).toBeGreaterThan(40)
  })
})

describe('the calibration', () => {
  it('predicts what the committed predictions say, from their times', () => {
    const { times, predictions } = readPredictions()
    expect(predictions).toEqual(predictAll(times))
    expect(predictions.map(({ name }) => name)).toEqual(localRuns.map(({ name }) => name))
  })

  it('finds the times of a machine from two runs of the model itself', () => {
    const times = { baseMs: 40, postMs: 0.5 }
    const [small, large] = [1_000, 4_000].map((sockets) => {
      const run = { name: String(sockets), sockets }
      return { ...run, ...predictLocal(run, times) }
    })
    if (small === undefined || large === undefined) throw new Error('Expected two runs.')
    const found = toLocalTimes(small, large)
    expect(found.postMs).toBeCloseTo(0.5, 2)
    expect(found.baseMs).toBeCloseTo(40, -1)
  })

  it('reads the tables of benchmarks/fan-out', () => {
    const text = [
      '| bare `ws`, its sockets in memory (control) | 0.13 s | ×1.0 |',
      '| Trunkline, on its local line | 6.37 s | ×48.9 |',
      '| Trunkline | 1800 | 5.76 s |',
      '| `posts` | 40223 | 1000 | 1800 |',
    ].join('\n')
    expect(parseFanOut(text, 'publish')).toEqual({ seconds: 6.37, posts: 40_223 })
    expect(parseFanOut(text, 'rush')).toEqual({ seconds: 5.76, posts: 1_800 })
    expect(() => parseFanOut('Not all arrived', 'rush')).toThrow('Expected the tables of benchmarks/fan-out')
  })

  it('allows 15 % of the time and 1 % of the posts', () => {
    expect(tolerance).toEqual({ seconds: 0.15, posts: 0.01 })
    expect(check).toBeTypeOf('function')
  })
})
