import type { PostPacer } from '../../../../packages/server/src/runtime/posting/post-pacer.ts'
import { createModelPacer, deliver } from '../engine/delivery.ts'
import { createGateway, type ModelGateway } from '../engine/gateway.ts'
import { createSimulation, type Simulation } from '../engine/kernel.ts'
import { createPlaces, type Places } from '../engine/resources.ts'
import { awsTimes, lineDefaults } from '../engine/service-times.ts'
import { createWallLog, gatewayBurst, type Quotas, type WallLog } from '../engine/walls.ts'
import { count, type Result, type Scenario, usdOfUse } from './result.ts'

const fullTopics = 10_000
/** Topics, quotas and functions are this much fewer in the model, and its counts are multiplied: the same in a tenth. */
const scale = 10
const members = 100
const raised = 10
const modestRate = 100 // with which each new environment begins, in place of the whole rate of the account
const inlineMs = 2_000 // of `deliver.ts`: a publisher posts for so long
const retryAfterMs = 60_000 // Lambda repeats an invocation that failed after a minute
const publishRequests = 3 // the head, the slot and the audience, one after another

/** An event to each of many rooms, all within a second. */
export const manyTopics: Scenario = {
  name: 'many-topics',
  title: 'An event to each of 10,000 topics with 100 members, within a second',
  run({ share, quotas }) {
    const topics = Math.round((fullTopics * share) / scale)
    const more = { ...quotas, posts: quotas.posts * raised }
    return [
      publishAll('with the default quotas', quotas, topics),
      publishAll(`with the default quotas, and \`accountPostsPerSecond: ${modestRate}\``, quotas, topics, modestRate),
      publishAll(`with ${count(more.posts)} requests a second`, more, topics),
    ]
  },
}

interface World {
  readonly sim: Simulation
  readonly gateway: ModelGateway
  readonly places: Places
  readonly log: WallLog
  readonly used: { functions: number; functionMs: number; retries: number; refusedCalls: number; writes: number }
  readonly rate: number
  /** The pacers of environments that run nothing now: the next run in one keeps what it has learned. */
  readonly idle: PostPacer[]
}

function publishAll(setting: string, quotas: Quotas, topics: number, rate: number = quotas.posts): Result {
  const sim = createSimulation(2, setting)
  const log = createWallLog()
  const limits = { perSecond: quotas.posts / scale, burst: gatewayBurst / scale }
  const gateway = createGateway(sim, log, { times: awsTimes, ...limits })
  const places = createPlaces(sim, { limit: quotas.concurrency / scale, perScaling: quotas.scaling / scale })
  const used = { functions: 0, functionMs: 0, retries: 0, refusedCalls: 0, writes: 0 }
  const world: World = { sim, gateway, places, log, used, rate, idle: [] }
  for (let topic = 0; topic < topics; topic++) sim.after(sim.random.next() * 1_000, () => publish(world, 1))
  sim.run()
  const { posted, refused, lastAt } = gateway.counts()
  const usd = usdOfUse({
    ...{ messages: posted + topics * 2, posts: posted, requests: used.functions + topics, functionMs: used.functionMs },
    ...{ readUnits: topics * 4, writeUnits: used.writes },
  })
  return {
    ...{ setting, seconds: lastAt / 1_000, walls: log.first(), usd: usd * scale },
    figures: {
      posts: `${count(posted * scale)}, and ${count(refused * scale)} refused`,
      'functions at a time': count(places.peak() * scale),
      'publishes repeated by their client': count(used.refusedCalls * scale),
      'retries by `deliver`': count(used.retries * scale),
    },
  }
}

/** One `mutation`. Without a place for its function, the client repeats it after a pause that grows. */
function publish(world: World, attempt: number): void {
  const { sim, places, log, used } = world
  if (!places.take()) {
    log.hit('concurrency', sim.now())
    used.refusedCalls += 1
    const ceiling = Math.min(30_000, 500 * 2 ** (attempt - 1))
    sim.after(100 + sim.random.next() * (ceiling - 100), () => publish(world, attempt + 1))
    return
  }
  const startedAt = sim.now()
  used.functions += 1
  used.writes += 2
  sim.after(awsTimes.invokeMs + publishRequests * awsTimes.tableMs, () =>
    post(world, members, {
      budgetMs: inlineMs,
      done(undelivered) {
        sim.after(awsTimes.tableMs, () => {
          end(world, startedAt)
          if (undelivered > 0) retry(world, undelivered, 1)
        })
      },
    }),
  )
}

function end({ sim, places, used }: World, startedAt: number): void {
  used.functionMs += sim.now() - startedAt
  places.release()
}

/** An environment has one pacer. A new environment begins with the whole rate of the account. */
function post(
  { sim, gateway, rate, idle }: World,
  rows: number,
  { done, budgetMs }: { readonly budgetMs?: number; readonly done: (undelivered: number) => void },
): void {
  const pacer = idle.pop() ?? createModelPacer(sim, rate)
  deliver(sim, gateway, {
    ...{ rows, concurrency: lineDefaults.maxConcurrentPosts, pacer, ...(budgetMs !== undefined && { budgetMs }) },
    done(undelivered) {
      idle.push(pacer)
      done(undelivered)
    },
  })
}

/** An invocation of `deliver` for what was left. It waits for a place, as Lambda queues it. */
function retry(world: World, rows: number, attempt: number): void {
  const { sim, places, used } = world
  used.retries += 1
  places.wait(() => {
    const startedAt = sim.now()
    used.functions += 1
    post(world, rows, {
      done(undelivered) {
        end(world, startedAt)
        if (undelivered > 0)
          sim.after(attempt < 3 ? retryAfterMs * attempt : 0, () => retry(world, undelivered, attempt + 1))
      },
    })
  })
}
