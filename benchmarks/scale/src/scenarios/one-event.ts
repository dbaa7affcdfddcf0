import { createGateway } from '../engine/gateway.ts'
import { createSimulation } from '../engine/kernel.ts'
import { awsTimes, lineDefaults, shardSizes } from '../engine/service-times.ts'
import { createTopic } from '../engine/topic.ts'
import { createWallLog, gatewayBurst, type Quotas } from '../engine/walls.ts'
import { count, type Result, readUnits, type Scenario, seconds, usdOfUse } from './result.ts'

const fullAudience = 1_000_000
const raised = 10 // times the quota

/** One event to everybody. */
export const oneEvent: Scenario = {
  name: 'one-event',
  title: 'One event to 1,000,000 connections',
  run({ share, quotas }) {
    const audience = Math.round(fullAudience * share)
    const more = { ...quotas, posts: quotas.posts * raised }
    const old = shardSizes(audience)
    return [
      publish('with the default quotas', quotas, old),
      publish(`with ${count(more.posts)} requests a second`, more, old),
      publish('with the default quotas, in equal shards', quotas, equal(audience, old.length)),
      publish('when all joined before the first event: one shard', more, [audience]),
    ]
  },
}

function equal(audience: number, shards: number): readonly number[] {
  return Array.from({ length: shards }, (_, n) => Math.floor((audience + n) / shards))
}

function publish(setting: string, quotas: Quotas, sizes: readonly number[]): Result {
  const sim = createSimulation(1, setting)
  const log = createWallLog()
  const gateway = createGateway(sim, log, { times: awsTimes, perSecond: quotas.posts, burst: gatewayBurst })
  const topic = createTopic(sim, gateway, { times: awsTimes, shards: () => sizes, accountRate: quotas.posts })
  const postsPerFunction = (lineDefaults.maxConcurrentPosts / awsTimes.postMs) * 1_000
  if (sizes.length * postsPerFunction > quotas.posts) log.hit('posts', 0)
  sim.after(awsTimes.tableMs + awsTimes.streamMs + awsTimes.tableMs, () => topic.announce(1))
  sim.run()
  const { posted, refused, lastAt } = gateway.counts()
  const { invocations, functionMs, sweeps } = topic.counts()
  const usd = usdOfUse({
    ...{ messages: posted, posts: posted, requests: invocations + 1, functionMs, writeUnits: 2 + sweeps * 2 },
    readUnits: sizes.reduce((sum, rows) => sum + readUnits(rows * lineDefaults.rowBytes) + 4, 0),
  })
  const slowest = log.first().length === 0 ? 'one function, which has 50 posts at a time' : 'the quota'
  return {
    ...{ setting, seconds: lastAt / 1_000, walls: log.first(), usd },
    figures: {
      shards: `${sizes.length} of up to ${count(Math.max(...sizes))} rows`,
      posts: `${count(posted)}, and ${count(refused)} refused`,
      'bound by': slowest,
      ideal: seconds((posted / Math.min(quotas.posts, sizes.length * postsPerFunction)) * 1_000),
    },
  }
}
