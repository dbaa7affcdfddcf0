import { startLocalLine } from '@trunkline/local'
import { events, line, router } from './application.ts'
import { startBare } from './bare.ts'
import { type Clients, startClients } from './client-process.ts'
import { serveClients } from './clients.ts'
import { type Options, parseOptions } from './options.ts'
import { seed } from './seed.ts'

const longestMs = 300_000
const say = (text: string) => process.stderr.write(`${text}\n`)
const names = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, n) => `${prefix}${String(n).padStart(20 - prefix.length, '0')}`)
const seconds = (ms: number) => `${(ms / 1_000).toFixed(2)} s`

/** The control: the same sockets, sent to by one process that holds them. */
async function measureBare(clients: Clients, { connections, publishes }: Options): Promise<readonly number[]> {
  const bare = await startBare()
  await clients.open({ url: bare.url, sessions: Array.from({ length: connections }, () => ''), seeded: { s0: 0 } })
  const times: number[] = []
  for (let n = 1; n <= publishes; n++) {
    const arrived = clients.until(({ seen }) => seen >= connections * n, longestMs)
    bare.publish()
    times.push(await arrived)
  }
  await clients.close()
  await bare.close()
  return times
}

/** One publish at a time to every socket, while others subscribe. */
async function measureFanOut(clients: Clients, { connections, late, publishes }: Options) {
  await using local = await startLocalLine({ router, line })
  const publish = (n: number) => local.run(() => events.publish({ topic: 'a' }, { n }))
  await publish(0) // the log begins at 1: seeded subscriptions stand there
  await local.idle()
  await clients.open({ url: local.url, sessions: names(connections, 'w'), seeded: { s0: 1 } })
  say('  seeding')
  await seed(local, ['a'])
  await clients.open({ url: local.url, sessions: names(late, 'l') })
  const before = await clients.report()
  const times: number[] = []
  for (let n = 1; n <= publishes; n++) {
    const arrived = clients.until(({ seen }) => seen >= connections * n, longestMs)
    await publish(n)
    if (n === 1 && late > 0) await subscribeLate(clients, late)
    times.push(await arrived)
    say(`  ${n} of ${publishes} in ${seconds(times.at(-1) ?? 0)}`)
  }
  await clients.until(({ subscriptions }) => subscriptions === connections + late, longestMs)
  await publish(publishes + 1) // whoever is there now sees this one
  await clients.until(({ seen }) => seen >= connections * (publishes + 1) + late, longestMs)
  await local.idle()
  const report = await clients.report()
  await clients.close()
  return { times, report, messages: report.messages - before.messages }
}

async function subscribeLate(clients: Clients, count: number): Promise<void> {
  const params = { path: 'live', input: { topic: 'a' } }
  await clients.subscribe({ id: 'late', method: 'subscription', params }, count)
}

/** Bursts to several topics that each socket follows: what is ready together leaves together. */
async function measureCoalescing(clients: Clients, { bundled, topics, burst }: Options) {
  await using local = await startLocalLine({ router, line })
  const keys = Array.from({ length: topics }, (_, n) => String.fromCharCode(97 + n))
  for (const topic of keys) await local.run(() => events.publish({ topic }, { n: 0 }))
  await local.idle()
  const seeded = Object.fromEntries(keys.map((_, index) => [`s${index}`, 1]))
  await clients.open({ url: local.url, sessions: names(bundled, 'b'), seeded })
  await seed(local, keys)
  const wanted = bundled * topics * burst
  await local.run(async () => {
    for (let n = 1; n <= burst; n++) await Promise.all(keys.map((topic) => events.publish({ topic }, { n })))
  })
  await clients.until(({ seen }) => seen >= wanted, longestMs)
  await local.idle()
  const report = await clients.report()
  await clients.close()
  return { wanted, report }
}

async function main(options: Options): Promise<number> {
  const clients = startClients(process.argv[1] ?? '')
  say('bare ws')
  const bare = await measureBare(clients, options)
  say('fan-out on the local line')
  const fanOut = await measureFanOut(clients, options)
  say('coalescing on the local line')
  const coalesced = await measureCoalescing(clients, options)
  clients.end()
  const { connections, publishes, late, bundled, topics, burst } = options
  const mean = (times: readonly number[]) => times.reduce((sum, ms) => sum + ms, 0) / times.length
  const lost = Math.max(0, publishes + 1 - Math.max(fanOut.report.most, 0)) + (fanOut.report.least < 1 ? 1 : 0)
  console.log(`| one publish to ${connections} sockets | mean of ${publishes}, to the last socket | of the control |
| --- | --: | --: |
| bare \`ws\`, its sockets in memory (control) | ${seconds(mean(bare))} | ×1.0 |
| Trunkline, on its local line | ${seconds(mean(fanOut.times))} | ×${(mean(fanOut.times) / mean(bare)).toFixed(1)} |

${fanOut.report.seen} events seen by ${fanOut.report.subscriptions} subscriptions, ${late} of which began while events were delivered: ${lost} lost, ${fanOut.report.most > publishes + 1 ? 'SOME' : 0} seen twice, ${fanOut.report.doubled} posted twice.

| ${burst} events in a row of each of ${topics} topics, to ${bundled} sockets that follow all | posts | events a post |
| --- | --: | --: |
| one post an event (control) | ${coalesced.wanted} | 1.0 |
| Trunkline | ${coalesced.report.messages} | ${(coalesced.wanted / coalesced.report.messages).toFixed(1)} |

${coalesced.report.seen} events seen, ${coalesced.report.doubled} posted twice.`)
  const whole = lost === 0 && coalesced.report.seen === coalesced.wanted && fanOut.report.most <= publishes + 1
  return whole ? 0 : 1
}

if (process.argv.includes('--clients')) serveClients()
else process.exit(await main(parseOptions(process.argv.slice(2))))
