import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Arena, openArena } from './arena.ts'
import type { Contestant, Rival } from './contestant.ts'
import { cutPublisher, cutSubscriber } from './cutting.ts'
import type { History } from './history.ts'
import { cutEveryMs, type Options } from './options.ts'
import { publishSteadily } from './publishing.ts'
import { createRandom } from './random.ts'
import { settle } from './settling.ts'

const spareMs = 60_000 // 60 s to start, to subscribe and to publish late
const quietMs = 250 // between the last subscription and the first event, since some servers send "started" too early
const warmMs = 1_000 // 1 s, so that every subscriber has an event and thus a position to resume from

/**
 * Runs the workload on one contestant: subscribe, publish while cutting, settle. Closes everything, and rejects when it
 * hangs.
 */
export async function runContestant(contestant: Contestant, options: Options): Promise<History> {
  const rival = await contestant.start()
  const ended = new AbortController()
  const longestMs = (options.seconds + options.settleSeconds) * 1_000 + spareMs
  const hung = sleep(longestMs, undefined, { signal: ended.signal }).then(() => {
    throw new Error(`${contestant.name} hangs`)
  })
  const whole = race(rival, options).finally(() => rival.close())
  return Promise.race([whole, hung]).finally(() => ended.abort())
}

async function race(rival: Rival, options: Options): Promise<History> {
  const arena = await openArena(rival, options)
  await sleep(quietMs)
  const before = arena.messages()
  const stopCutting = cutAll(arena, options)
  const startedAt = performance.now()
  const published = arena.publishers.map(({ client }, number) => publishSteadily(client, number, options))
  const attempts = (await Promise.all(published)).flat()
  const endedAt = performance.now()
  stopCutting()

  const subscribers = arena.subscribers.map(({ history }) => history)
  const log = await rival.log()
  await settle(log, subscribers, options.settleSeconds * 1_000)
  const after = arena.messages()
  const messages = { up: after.up - before.up, down: after.down - before.down }
  const history = { startedAt, endedAt, attempts, log: await rival.log(), subscribers, messages }
  await arena.close()
  return history
}

function cutAll({ subscribers, publishers }: Arena, options: Options): () => void {
  const random = createRandom(options.seed)
  const offsetMs = () => (options.coldCuts ? 0 : warmMs) + random() * cutEveryMs
  const stops = subscribers.map(({ proxy, history: { cuts } }) =>
    cutSubscriber(proxy, offsetMs(), (at) => cuts.push({ at })),
  )
  if (options.cutPublishers) stops.push(...publishers.map(({ proxy }) => cutPublisher(proxy, offsetMs())))
  return () => {
    for (const stop of stops) stop()
  }
}
