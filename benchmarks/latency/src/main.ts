/**
 * `npm run benchmark:latency -- --subscribers 1,100,1000 --publishes 30`: the time from a publish to the callback of
 * the last subscriber, for Trunkline and its peers, in one process each after the other.
 */
import { parseArgs } from 'node:util'
import type { Contestant, Rival } from '@trunkline/benchmark-delivery/contestant.ts'
import { bare } from '@trunkline/benchmark-delivery/contestants/bare.ts'
import { socketIoPlain } from '@trunkline/benchmark-delivery/contestants/socketio.ts'
import { trpcEmitter } from '@trunkline/benchmark-delivery/contestants/trpc-emitter.ts'
import { trunkline } from '@trunkline/benchmark-delivery/contestants/trunkline.ts'
import { memoryLine } from './memory-line.ts'
import { durableObjects } from './peers/durable-objects.ts'
import { nats } from './peers/nats.ts'
import { nchan } from './peers/nchan.ts'
import type { Peer } from './peers/peer.ts'

const { values } = parseArgs({
  options: {
    subscribers: { type: 'string', default: '1,100,1000' },
    publishes: { type: 'string', default: '30' },
    only: { type: 'string' },
  },
})
const sizes = values.subscribers.split(',').map((text) => toCount('--subscribers', text))
const publishes = toCount('--publishes', values.publishes)
/** Socket.IO is first, because the others are compared with it. */
const all: readonly (Contestant | Peer)[] = [
  socketIoPlain,
  bare,
  trpcEmitter,
  durableObjects,
  nchan,
  nats,
  memoryLine,
  trunkline,
]
const chosen = values.only === undefined ? all : all.filter(({ id }) => values.only?.split(',').includes(id))
const contestants = chosen.filter((each) => !isMissing(each))
if (contestants.length === 0)
  throw new RangeError(`Expected --only to be of ${all.map(({ id }) => id).join(', ')}; got ${values.only}.`)

const warmUps = 5

interface Measured {
  readonly p50: number
  readonly p95: number
}

const table = new Map<Contestant, (Measured | undefined)[]>()
for (const contestant of contestants) {
  for (const subscribers of sizes) {
    process.stderr.write(`${contestant.name}: ${subscribers} subscribers\n`)
    table.set(contestant, [...(table.get(contestant) ?? []), await measure(contestant, subscribers)])
  }
}
print()
process.exit(0) // some clients stay open for a moment

function toCount(name: string, text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text)
  throw new RangeError(`Expected ${name} to be a number from 1 to 99999, got ${text}.`)
}

/** Whether the contestant's software is not installed; says so. */
function isMissing(contestant: Contestant | Peer): boolean {
  const missing = 'missing' in contestant ? contestant.missing() : undefined
  if (missing !== undefined) process.stderr.write(`${contestant.name}: skipped, ${missing}\n`)
  return missing !== undefined
}

async function measure(contestant: Contestant, subscribers: number): Promise<Measured> {
  const rival = await contestant.start()
  try {
    return await measureRival(rival, subscribers)
  } finally {
    await rival.close()
  }
}

async function measureRival(rival: Rival, subscribers: number): Promise<Measured> {
  let missing = 0
  let resolveAll = () => {}
  const clients = []
  for (let n = 0; n < subscribers; n++)
    clients.push(
      await rival.subscribe(rival.port, {
        onEvent() {
          missing -= 1
          if (missing === 0) resolveAll()
        },
        onSignal(signal) {
          throw new Error(`A subscription ended: ${signal}`)
        },
      }),
    )
  const publisher = await rival.publisher(rival.port)
  const times: number[] = []
  for (let n = 1; n <= warmUps + publishes; n++) {
    missing = subscribers
    const received = new Promise<void>((resolve) => {
      resolveAll = resolve
    })
    const startedAt = performance.now()
    const published = publisher.publish({ publisher: 1, n, text: 'x'.repeat(100) })
    await received
    if (n > warmUps) times.push(performance.now() - startedAt)
    await published
    await new Promise((resolve) => setTimeout(resolve, 5)) // what follows a publish does not delay the next one
  }
  for (const client of [publisher, ...clients]) await client.close()
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN
  return { p50: at(0.5), p95: at(0.95) }
}

function print(): void {
  const [first] = contestants
  const control = first === undefined ? undefined : table.get(first)
  console.log(`| to the last of | ${sizes.map((size) => `${size} p50 | p95 | of ${first?.name}`).join(' | ')} |`)
  console.log(`|---|${sizes.map(() => '--:|--:|--:').join('|')}|`)
  for (const [contestant, cells] of table) {
    const columns = cells.map((cell, index) => {
      const ratio = (cell?.p50 ?? Number.NaN) / (control?.[index]?.p50 ?? Number.NaN)
      const compared = contestant === first ? 'control' : `${ratio.toFixed(1)} ×`
      return `${cell?.p50.toFixed(2)} ms | ${cell?.p95.toFixed(2)} ms | ${compared}`
    })
    console.log(`| ${contestant.name} | ${columns.join(' | ')} |`)
  }
}
