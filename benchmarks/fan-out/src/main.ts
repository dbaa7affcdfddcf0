import { setTimeout as sleep } from 'node:timers/promises'
import { startLocalLine } from '@trunkline/local'
import { events, line, router } from './application.ts'
import { startBare } from './bare.ts'
import { postByPool } from './bare-pool.ts'
import { type Clients, startClients } from './client-process.ts'
import { type Report, serveClients } from './clients.ts'
import { type Options, parseOptions } from './options.ts'
import type { DeliveryErrors } from './position.ts'
import { openConnections, seed } from './seed.ts'
import { createTally, type Tally } from './tally.ts'

const maxStepMs = 300_000 // 5 min for each step
const maxRunMs = 20 * 60_000 // 20 min for the whole run
const rushMs = 100 // between two events of a rush
const pollMs = 250 // Lambda polls a stream four times a second; the local line delivers at once
const say = (text: string) => process.stderr.write(`${text}\n`)
const names = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, n) => `${prefix}${String(n).padStart(20 - prefix.length, '0')}`)
const seconds = (ms: number) => `${(ms / 1_000).toFixed(2)} s`

/** The control: the same number of sockets in one process, which sends to them directly. */
async function measureBare(clients: Clients, { connections, publishes }: Options): Promise<readonly number[]> {
  const bare = await startBare()
  await clients.open({ url: bare.url, sessions: Array.from({ length: connections }, () => ''), seeded: { s0: 0 } })
  const times: number[] = []
  for (let n = 1; n <= publishes; n++) {
    const arrived = clients.until(({ seen }) => seen >= connections * n, maxStepMs)
    bare.publish()
    times.push(await arrived)
  }
  await clients.close()
  await bare.close()
  return times
}

/** The result of one part. */
interface Outcome {
  readonly report: Report
  readonly errors: DeliveryErrors
  readonly tally: Tally
}

/** Publishes one event at a time to all sockets, while other sockets subscribe. */
async function measureFanOut(clients: Clients, { connections, late, publishes }: Options) {
  const tally = createTally()
  await using local = await startLocalLine({ router, line, telemetry: tally })
  const publish = (n: number) => local.run(() => events.publish({ topic: 'a' }, { n }))
  await publish(0) // seeded subscriptions start at offset 1
  await local.idle()
  await clients.open({ url: local.url, sessions: names(connections, 'w'), seeded: { s0: 1 } })
  say('  seeding')
  await seed(local, ['a'])
  await clients.open({ url: local.url, sessions: names(late, 'l') })
  const times: number[] = []
  for (let n = 1; n <= publishes; n++) {
    const arrived = clients.until(({ seen }) => seen >= connections * n, maxStepMs)
    await publish(n)
    if (n === 1 && late > 0) await subscribeLate(clients, late)
    times.push(await arrived)
    say(`  ${n} of ${publishes} in ${seconds(times.at(-1) ?? 0)}`)
  }
  await clients.until(({ subscriptions }) => subscriptions === connections + late, maxStepMs)
  await publish(publishes + 1) // all subscriptions see this event
  await local.idle()
  say('  a bare pool to the same gateway')
  const pool = await measurePool(clients, local, publishes)
  return { times, pool, ...(await settle(clients, local, publishes + 2)), tally }
}

/** The control of a delivery's posts: the same gateway, connections and number of sockets. */
async function measurePool(
  clients: Clients,
  local: Parameters<typeof openConnections>[0],
  times: number,
): Promise<readonly number[]> {
  const ids = await openConnections(local)
  // Trunkline's frame has this size. No client knows the subscription, so none counts the event.
  const text = JSON.stringify({ id: 'pool', result: { type: 'other', id: '0123456789ab:1000', data: { n: 1_000 } } })
  const measured: number[] = []
  for (let n = 1; n <= times; n++) {
    const { messages } = await clients.report()
    const arrived = clients.until((report) => report.messages >= messages + ids.length, maxStepMs)
    await postByPool(local.url, ids, text)
    measured.push((await arrived) / ids.length)
  }
  return measured
}

async function subscribeLate(clients: Clients, count: number): Promise<void> {
  const params = { path: 'live', input: { topic: 'a' } }
  await clients.subscribe({ id: 'late', method: 'subscription', params }, count)
}

/** Waits until the line is idle, and closes the sockets. */
async function settle(clients: Clients, local: { idle(): Promise<void> }, head: number) {
  await local.idle()
  const report = await clients.report()
  const errors = await clients.countErrors(head)
  await clients.close()
  return { report, errors }
}

/** Publishes bursts to several topics that each socket subscribes to. Events that are ready together go in one post. */
async function measureCoalescing(clients: Clients, { bundled, topics, burst }: Options): Promise<Outcome> {
  const tally = createTally()
  await using local = await startLocalLine({ router, line, telemetry: tally })
  const keys = Array.from({ length: topics }, (_, n) => String.fromCharCode(97 + n))
  for (const topic of keys) await local.run(() => events.publish({ topic }, { n: 0 }))
  await local.idle()
  const seeded = Object.fromEntries(keys.map((_, index) => [`s${index}`, 1]))
  await clients.open({ url: local.url, sessions: names(bundled, 'b'), seeded })
  await seed(local, keys)
  local.faults.on('function', { delayMs: pollMs }, { path: 'tableStream' })
  await local.run(async () => {
    for (let n = 1; n <= burst; n++) await Promise.all(keys.map((topic) => events.publish({ topic }, { n })))
  })
  await clients.until(({ seen }) => seen >= bundled * topics * burst, maxStepMs)
  return { ...(await settle(clients, local, burst + 1)), tally }
}

/** Publishes more to one topic than the gateway accepts. */
async function measureRush(clients: Clients, { crowd, rush, quota }: Options) {
  const tally = createTally()
  const throttles = { posts: { perSecond: quota, burst: quota } }
  await using local = await startLocalLine({ router, line, telemetry: tally, gateway: { throttles } })
  await local.run(() => events.publish({ topic: 'a' }, { n: 0 }))
  await local.idle()
  await clients.open({ url: local.url, sessions: names(crowd, 'c'), seeded: { s0: 1 } })
  await seed(local, ['a'])
  local.faults.on('function', { delayMs: pollMs }, { path: 'tableStream' })
  const arrived = clients.until(({ seen }) => seen >= crowd * rush, maxStepMs)
  for (let n = 1; n <= rush; n++) {
    await local.run(() => events.publish({ topic: 'a' }, { n }))
    await sleep(rushMs)
  }
  const ms = await arrived
  return { ms, ...(await settle(clients, local, rush + 1)), tally }
}

const mean = (times: readonly number[]) => times.reduce((sum, ms) => sum + ms, 0) / times.length
const isWhole = ({ errors }: Outcome) => errors.lost + errors.doubled + errors.reordered === 0

/** The metrics of Trunkline that explain duplicate posts. */
const causes = [
  'posts',
  'retried',
  'throttled',
  'failedPosts',
  'scheduledRetries',
  'redriven',
  'failedDeliveries',
] as const

function formatOutcomes(outcomes: Readonly<Record<string, Outcome>>): string {
  const titles = Object.keys(outcomes)
  const row = (name: string, cell: (outcome: Outcome) => number) =>
    `| ${name} | ${Object.values(outcomes).map(cell).join(' | ')} |`
  return [
    `| | ${titles.join(' | ')} |`,
    `| --- |${titles.map(() => ' --: |').join('')}`,
    row('subscriptions', ({ report }) => report.subscriptions),
    row('events seen', ({ report }) => report.seen),
    row('**lost**', ({ errors }) => errors.lost),
    row('**seen twice**', ({ errors }) => errors.doubled),
    row('**out of order**', ({ errors }) => errors.reordered),
    row('posted twice', ({ report }) => report.doubled),
    ...causes.map((metric) => row(`\`${metric}\``, ({ tally }) => tally.counted(metric))),
  ].join('\n')
}

async function main(options: Options): Promise<number> {
  const clients = startClients(process.argv[1] ?? '')
  say('bare ws')
  const bare = await measureBare(clients, options)
  say('fan-out on the local line')
  const fanOut = await measureFanOut(clients, options)
  say('coalescing on the local line')
  const bursts = await measureCoalescing(clients, options)
  say('more than the gateway accepts')
  const rushed = await measureRush(clients, options)
  clients.end()
  const { connections, publishes, bundled, topics, burst, crowd, rush, quota } = options
  const pool = mean(fanOut.pool) * connections
  const [expected, messages] = [bundled * topics * burst, bursts.report.messages]
  console.log(`| one publish to ${connections} sockets | mean of ${publishes}, to the last socket | of the control |
| --- | --: | --: |
| bare \`ws\`, its sockets in memory (control) | ${seconds(mean(bare))} | ×1.0 |
| an unsigned pool of 50 sockets that posts to the local line's gateway (control) | ${seconds(pool)} | ×${(pool / mean(bare)).toFixed(1)} |
| Trunkline, on its local line | ${seconds(mean(fanOut.times))} | ×${(mean(fanOut.times) / mean(bare)).toFixed(1)}, ${(pool / mean(fanOut.times)).toFixed(2)} of the pool's posts a second |

| ${burst} events in a row of each of ${topics} topics, to ${bundled} sockets that follow all | posts | events a post |
| --- | --: | --: |
| one post an event (control) | ${expected} | 1.0 |
| Trunkline | ${messages} | ${(expected / messages).toFixed(1)} |

| ${rush} events, ten a second, to ${crowd} sockets through a gateway that takes ${quota} posts a second | posts | to the last event at the last socket |
| --- | --: | --: |
| one post an event (control, at the gateway's rate) | ${crowd * rush} | ${seconds((Math.max(0, crowd * rush - quota) / quota) * 1_000)} |
| Trunkline | ${rushed.report.messages} | ${seconds(rushed.ms)} |

${formatOutcomes({ 'one publish at a time': fanOut, 'events in a row': bursts, 'more than is accepted': rushed })}`)
  return [fanOut, bursts, rushed].every(isWhole) ? 0 : 1
}

if (process.argv.includes('--clients')) serveClients()
else {
  setTimeout(() => {
    say(`Not done after ${maxRunMs / 60_000} minutes.`)
    process.exit(1)
  }, maxRunMs).unref()
  process.exit(await main(parseOptions(process.argv.slice(2))))
}
