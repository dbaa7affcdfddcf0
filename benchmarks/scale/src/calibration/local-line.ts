import { createGateway } from '../engine/gateway.ts'
import { createSimulation } from '../engine/kernel.ts'
import { createTopic } from '../engine/topic.ts'
import { createWallLog } from '../engine/walls.ts'

/** What was measured of a machine's local line. */
export interface LocalTimes {
  /** Of a publish, apart from its posts. */
  readonly baseMs: number
  /** Of one post, on the processor that gateway, functions and table share. */
  readonly postMs: number
}

/** What the benchmark of fan-out is to do. */
export interface LocalRun {
  readonly name: string
  /** One publish at a time to all of these sockets; or, with `rush`, events that come faster than the gateway takes. */
  readonly sockets: number
  readonly rush?: { readonly events: number; readonly everyMs: number; readonly postsPerSecond: number }
}

/** The time of a run, and the posts that the gateway took in it. */
export interface Outcome {
  readonly seconds: number
  readonly posts: number
}

const publishes = 4 // three are timed, and one follows
const accountRate = 10_000 // `accountPostsPerSecond` by default
const streamMs = 250 // by which the benchmark delays the table's stream
const tableMs = 2
const roundTripMs = 3 // of a post, apart from its processor time

/** Predicts a run of `npm run benchmark:fan-out` on a machine with these times. */
export function predictLocal({ sockets, rush }: LocalRun, times: LocalTimes): Outcome {
  return rush === undefined ? predictPublish(sockets, times) : predictRush(sockets, rush, times)
}

function localTimes({ postMs }: LocalTimes) {
  return { tableMs, postMs: roundTripMs, invokeMs: 0, streamMs: 0, cpuMs: postMs }
}

function predictPublish(sockets: number, times: LocalTimes): Outcome {
  const sim = createSimulation(7, 'publish')
  const unbounded = { perSecond: Number.POSITIVE_INFINITY, burst: Number.POSITIVE_INFINITY }
  const gateway = createGateway(sim, createWallLog(), { times: localTimes(times), ...unbounded })
  const topic = createTopic(sim, gateway, { times: localTimes(times), shards: () => [sockets], accountRate })
  topic.announce(1)
  sim.run()
  return { seconds: (times.baseMs + gateway.counts().lastAt) / 1_000, posts: publishes * sockets }
}

function predictRush(
  sockets: number,
  { events, everyMs, postsPerSecond }: NonNullable<LocalRun['rush']>,
  times: LocalTimes,
): Outcome {
  const sim = createSimulation(8, 'rush')
  const limits = { perSecond: postsPerSecond, burst: postsPerSecond }
  const gateway = createGateway(sim, createWallLog(), { times: localTimes(times), ...limits })
  let [head, announced, isRunning] = [0, 0, false]
  const topic = createTopic(sim, gateway, {
    ...{ times: localTimes(times), shards: () => [sockets], accountRate, head: () => head },
  })
  /** The table's stream: one run at a time, for all records that are there. */
  function runStream(): void {
    if (isRunning || announced === head) return
    isRunning = true
    const upTo = head
    sim.after(streamMs, () => {
      announced = upTo
      isRunning = false
      topic.announce(upTo)
      runStream()
    })
  }
  for (let n = 0; n < events; n++)
    sim.after(n * everyMs + tableMs, () => {
      head += 1
      runStream()
    })
  sim.run()
  const { posted, lastAt } = gateway.counts()
  return { seconds: (times.baseMs + lastAt) / 1_000, posts: posted }
}

/** The times of a machine from two runs of one publish at a time. */
export function toLocalTimes(small: Outcome & LocalRun, large: Outcome & LocalRun): LocalTimes {
  const postMs = ((large.seconds - small.seconds) * 1_000) / (large.sockets - small.sockets)
  const base = small.seconds * 1_000 - predictPublish(small.sockets, { baseMs: 0, postMs }).seconds * 1_000
  return { baseMs: Math.max(0, Math.round(base)), postMs: Math.round(postMs * 10_000) / 10_000 }
}
