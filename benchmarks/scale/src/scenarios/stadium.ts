import { operationCounts } from '../../../../packages/local/src/cost/counts.ts'
import { createGateway } from '../engine/gateway.ts'
import { createSimulation } from '../engine/kernel.ts'
import { createLog } from '../engine/log.ts'
import { awsTimes, shardSizes } from '../engine/service-times.ts'
import { createTopic } from '../engine/topic.ts'
import { createWallLog, gatewayBurst, type Quotas } from '../engine/walls.ts'
import { count, type Result, type Scenario, usdOfUse } from './result.ts'

const fullMembers = 50_000
const streamMs = 250 // Lambda polls the table's stream four times a second
const streamBatch = 100
const minuteMs = 60_000

/** A crowd that is present in one topic and leaves it. Each leave is an event to those that are still there. */
export const stadium: Scenario = {
  name: 'stadium',
  title: 'A stadium of 50,000 members leaves presence',
  run({ share, quotas }) {
    const members = Math.round(fullMembers * share)
    const more = { ...quotas, posts: quotas.posts * 10 }
    return [
      leave('within 10 minutes', quotas, { members, overMs: 10 * minuteMs }),
      leave('within a minute', quotas, { members, overMs: minuteMs }),
      leave(`within a minute, with ${count(more.posts)} requests a second`, more, { members, overMs: minuteMs }),
    ]
  },
}

function leave(
  setting: string,
  quotas: Quotas,
  { members, overMs }: { readonly members: number; readonly overMs: number },
): Result {
  const sim = createSimulation(6, setting)
  const walls = createWallLog()
  const gateway = createGateway(sim, walls, { times: awsTimes, perSecond: quotas.posts, burst: gatewayBurst })
  const log = createLog(sim, walls, { times: awsTimes, perSecond: quotas.partitionWrites })
  const full = shardSizes(members)
  let [here, pending, batches, slots, lastSlotAt] = [members, 0, 0, 0, 0]
  const topic = createTopic(sim, gateway, {
    ...{ times: awsTimes, accountRate: quotas.posts },
    shards: () => full.map((rows) => Math.round((rows * here) / members)),
  })
  function announce(offset: number): void {
    slots += 1
    lastSlotAt = sim.now()
    sim.after(awsTimes.tableMs, () => topic.announce(offset))
  }
  /** The row says that a change is pending. The table's stream appends what the leaving function could not. */
  function sweepPending(): void {
    if (pending === 0) return
    const batch = Math.min(pending, streamBatch)
    pending -= batch
    batches += 1
    log.append((result) => {
      if (typeof result === 'string') pending += batch
      else announce(result.offset)
      if (pending > 0) sim.after(streamMs, sweepPending)
    })
  }
  for (let n = 0; n < members; n++)
    sim.after(sim.random.next() * overMs, () => {
      here -= 1
      gateway.bucket.take() // the stop is a message too
      sim.after(awsTimes.invokeMs + 3 * awsTimes.tableMs, () =>
        log.append((result) => {
          if (typeof result !== 'string') return announce(result.offset)
          pending += 1
          if (pending === 1) sim.after(streamMs, sweepPending)
        }),
      )
    })
  sim.run()
  const { posted, lastAt } = gateway.counts()
  const { invocations, functionMs, billedMessages, eventsInMessages, sweeps } = topic.counts()
  const { puts } = log.counts()
  const each = operationCounts.presenceLeave
  const usd = usdOfUse({
    ...{ messages: billedMessages + members * 2, posts: posted, requests: invocations + members * each.functions },
    functionMs: functionMs + members * (each.ms + each.functions * 2),
    readUnits: members * each.readUnits + sweeps * 20,
    writeUnits: members * (each.writeUnits - 1) + puts + sweeps * 2 + invocations,
  })
  return {
    ...{ setting, seconds: Math.max(lastAt, lastSlotAt) / 1_000, walls: walls.first(), usd },
    figures: {
      shards: String(full.length),
      'events appended': count(slots),
      'by the stream, in batches': count(batches),
      'puts for each event': (puts / Math.max(1, slots)).toFixed(1),
      posts: count(posted),
      'leaves a message': (eventsInMessages / Math.max(1, posted)).toFixed(1),
      'without coalescing': `${count((members * (members - 1)) / 2)} posts`,
    },
  }
}
