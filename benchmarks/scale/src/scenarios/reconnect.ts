import { operationCounts } from '../../../../packages/local/src/cost/counts.ts'
import { createSimulation } from '../engine/kernel.ts'
import { createBucket } from '../engine/resources.ts'
import { awsTimes } from '../engine/service-times.ts'
import { createWallLog, type Quotas, type WallLog } from '../engine/walls.ts'
import { count, type Result, type Scenario, usdOfUse } from './result.ts'

const fullClients = 1_000_000
const grain = 100 // clients that act together, so that the model has fewer events
const raised = 10
const { minMs, maxMs, factor } = { minMs: 100, maxMs: 30_000, factor: 2 } // `backoff` of the client, by default
/** Units that a resume reads in the log of its topic. */
const logUnits = operationCounts.subscribe.readUnits - 1 // the other one is the connection's own row
const functionsEach = operationCounts.connect.functions + 2 // `hello` and the resume
const returned = ['connect', 'hello', 'subscribe'] as const

/** Everybody lost the socket at the same moment. Each client resumes one subscription. */
export const reconnect: Scenario = {
  name: 'reconnect',
  title: 'A reconnect storm of 1,000,000 clients',
  run({ share, quotas }) {
    const clients = Math.round(fullClients * share)
    const more = { ...quotas, connects: quotas.connects * raised }
    return [
      storm('with the default quotas', quotas, { clients, topics: clients }),
      storm(`with ${count(more.connects)} connections a second, each in a topic of its own`, more, {
        ...{ clients, topics: clients },
      }),
      storm(`with ${count(more.connects)} connections a second, all in one topic`, more, { clients, topics: 1 }),
    ]
  },
}

interface Crowd {
  readonly clients: number
  readonly topics: number
}

function storm(setting: string, quotas: Quotas, { clients, topics }: Crowd): Result {
  const sim = createSimulation(3, setting)
  const log = createWallLog()
  const doors = createBucket(sim, { perSecond: quotas.connects / grain, burst: Math.max(1, quotas.connects / grain) })
  const reads = createBucket(sim, { perSecond: quotas.partitionReads / (logUnits * grain), burst: 1 })
  const writesEach = returned.reduce((sum, name) => sum + operationCounts[name].writeUnits, 0)
  const table = createBucket(sim, { perSecond: quotas.tableWrites / (writesEach * grain), burst: 1 })
  let [refused, back, lastAt] = [0, 0, 0]

  function attempt(n: number): void {
    if (doors.take()) {
      resume()
      return
    }
    log.hit('connects', sim.now())
    refused += grain
    sim.after(minMs + sim.random.next() * (Math.min(maxMs, 5 * minMs * factor ** n) - minMs), () => attempt(n + 1))
  }
  /** Reads of a partition and writes of the table that are refused are repeated by the SDK: here they queue. */
  function resume(): void {
    const tableMs = wait(log, 'tableWrites', table.reserve(), sim.now())
    const logMs = topics === 1 ? wait(log, 'partitionReads', reads.reserve(), sim.now()) : 0
    sim.after(Math.max(tableMs, logMs) + ownMs, () => {
      back += grain
      lastAt = sim.now()
    })
  }
  for (let n = 0; n < clients; n += grain) sim.after(minMs + sim.random.next() * (5 * minMs - minMs), () => attempt(1))
  sim.run()
  const per = returned.map((name) => operationCounts[name])
  const sum = (name: 'messagesIn' | 'messagesOut' | 'functions' | 'readUnits' | 'writeUnits' | 'ms') =>
    per.reduce((total, each) => total + each[name], 0) * back
  const usd = usdOfUse({
    ...{ messages: sum('messagesIn') + sum('messagesOut'), requests: sum('functions') },
    ...{ readUnits: sum('readUnits'), writeUnits: sum('writeUnits'), functionMs: sum('ms') + sum('functions') * 2 },
  })
  return {
    ...{ setting, seconds: lastAt / 1_000, walls: log.first(), usd },
    figures: {
      'refused handshakes': count(refused),
      'clients a second': count(back / (lastAt / 1_000)),
      'functions a second': count((back * functionsEach) / (lastAt / 1_000)),
    },
  }
}

const ownMs = operationCounts.subscribe.ms + operationCounts.connect.ms + 3 * awsTimes.invokeMs
const noticeableMs = 1_000

function wait(log: WallLog, name: 'tableWrites' | 'partitionReads', ms: number, now: number): number {
  if (ms > noticeableMs) log.hit(name, now)
  return ms
}
