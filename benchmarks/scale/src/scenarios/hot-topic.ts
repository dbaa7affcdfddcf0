import { createGateway } from '../engine/gateway.ts'
import { createSimulation } from '../engine/kernel.ts'
import { createLog } from '../engine/log.ts'
import { awsTimes, lineDefaults, shardSizes } from '../engine/service-times.ts'
import { createTopic } from '../engine/topic.ts'
import { createWallLog, gatewayBurst, type Quotas } from '../engine/walls.ts'
import { count, type Result, readUnits, type Scenario, usdOfUse } from './result.ts'

const fullAudience = 10_000
const rates = [1, 10, 50, 100, 200, 500, 1_000] // publishes a second, each by a function of its own
const runMs = 20_000
const secondsInHour = 3_600

/** One topic, to which more and more is published. */
export const hotTopic: Scenario = {
  name: 'hot-topic',
  title: 'A hot topic of 10,000 subscribers, at rising publish rates',
  run: ({ share, quotas }) => rates.map((rate) => publishAt(rate, quotas, Math.round(fullAudience * share))),
}

function publishAt(rate: number, quotas: Quotas, audience: number): Result {
  const sim = createSimulation(5, `${rate}/s`)
  const walls = createWallLog()
  const gateway = createGateway(sim, walls, { times: awsTimes, perSecond: quotas.posts, burst: gatewayBurst })
  const log = createLog(sim, walls, { times: awsTimes, perSecond: quotas.partitionWrites })
  const sizes = shardSizes(audience)
  const publishedAt = new Map<number, number>()
  const deliveredTo = sizes.map(() => 0)
  const delays: number[] = []
  const topic = createTopic(sim, gateway, {
    ...{ times: awsTimes, shards: () => sizes, accountRate: quotas.posts },
    onDelivered(shard, offset) {
      const before = Math.min(...deliveredTo)
      deliveredTo[shard] = offset
      for (let each = before + 1; each <= Math.min(...deliveredTo); each++)
        delays.push(sim.now() - (publishedAt.get(each) ?? sim.now()))
    },
  })
  let [refused, appended] = [0, 0]
  const appendMs: number[] = []
  function publish(): void {
    const startedAt = sim.now()
    if (!gateway.bucket.take()) {
      walls.hit('posts', sim.now())
      refused += 1
      return
    }
    sim.after(awsTimes.invokeMs, () =>
      log.append((result) => {
        if (typeof result === 'string') refused += 1
        else {
          appended += 1
          appendMs.push(sim.now() - startedAt)
          publishedAt.set(result.offset, startedAt)
          sim.after(awsTimes.tableMs, () => topic.announce(result.offset)) // the query that counts the audience
        }
      }),
    )
  }
  for (let at = 0; at < runMs; at += 1_000 / rate) sim.after(at, publish)
  sim.run()
  const postsPerFunction = (lineDefaults.maxConcurrentPosts / awsTimes.postMs) * 1_000
  const endMs = gateway.counts().lastAt
  if (sizes.length * postsPerFunction >= quotas.posts && endMs > runMs + 2_000) walls.hit('posts', endMs)
  const hour = (secondsInHour * 1_000) / Math.max(runMs, endMs)
  const { posted } = gateway.counts()
  const { invocations, functionMs, billedMessages, eventsInMessages, sweeps } = topic.counts()
  const { puts, reads } = log.counts()
  const publishers = appended + refused
  const usd = usdOfUse({
    ...{ messages: billedMessages + publishers * 2, posts: posted, requests: invocations + publishers * 2 },
    functionMs: functionMs + appendMs.reduce((sum, ms) => sum + ms, 0),
    readUnits: reads + appended * 3 + sweeps * (4 + readUnits((audience / sizes.length) * lineDefaults.rowBytes)),
    writeUnits: puts + sweeps * 2 + invocations,
  })
  return {
    ...{ setting: `${count(rate)} a second`, seconds: quantile(delays, 0.99) / 1_000, walls: walls.first() },
    ...{ usd: usd * hour, usdFor: 'an hour' },
    figures: {
      'appended a second': (appended / (runMs / 1_000)).toFixed(rate < 10 ? 1 : 0),
      refused: count(refused),
      'puts for each event': (puts / Math.max(1, appended)).toFixed(1),
      'append p50 · p99': `${count(quantile(appendMs, 0.5))} · ${count(quantile(appendMs, 0.99))} ms`,
      'last subscriber p50': `${(quantile(delays, 0.5) / 1_000).toFixed(1)} s`,
      'posts a second': count(posted / (Math.max(runMs, endMs) / 1_000)),
      'events a message': (eventsInMessages / Math.max(1, posted)).toFixed(1),
    },
  }
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
