import type { Store } from '@trunkline/server/ports'
import { channelOf, line } from './application.ts'

/** One row: the writers, and what they reached. */
export interface Measured {
  readonly partitions: number
  readonly writers: number
  /** Events of the topic, of all writers together. */
  readonly perSecond: number
  /** Slot puts for each event that was appended; 1 without a lost race. */
  readonly putsPerAppend: number
  /** Publishes that failed: after too many lost races, or since the table did not answer in time. */
  readonly failed: number
  /** Milliseconds of one publish. */
  readonly p50: number
  readonly p95: number
}

let topics = 0

/**
 * Publishes to a new topic for `seconds`. Each publish is a use of the backend of its own, as each is a function's
 * invocation of its own on AWS: nothing but the table keeps the writers apart. A writer publishes its next event when
 * the one before is in the log.
 */
export async function measure(
  store: Store,
  { partitions, writers, seconds }: { readonly partitions: number; readonly writers: number; readonly seconds: number },
): Promise<Measured> {
  topics += 1
  const key = { topic: `hot-${topics}` }
  const count = { puts: 0, failed: 0 }
  const backend = { store: countingPuts(store, () => (count.puts += 1)) }
  const channel = channelOf(partitions)
  const publish = () => line.withBackend(backend, () => channel.publish(key, { text: 'x'.repeat(100) }))
  await publish() // opens the sockets, and begins the log
  count.puts = 0
  const times: number[] = []
  const startedAt = performance.now()
  const endsAt = startedAt + seconds * 1_000
  const write = async () => {
    for (let begunAt = performance.now(); begunAt < endsAt; begunAt = performance.now()) {
      try {
        await publish()
        times.push(performance.now() - begunAt)
      } catch (thrown) {
        if (count.failed === 0) process.stderr.write(`  ${thrown}\n`)
        count.failed += 1
      }
    }
  }
  await Promise.all(Array.from({ length: writers }, write))
  const elapsed = (performance.now() - startedAt) / 1_000 // with the last publishes, which are counted
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN
  return {
    ...{ partitions, writers, failed: count.failed, p50: at(0.5), p95: at(0.95) },
    perSecond: times.length / elapsed,
    putsPerAppend: count.puts / times.length,
  }
}

function countingPuts(store: Store, onPut: () => void): Store {
  return {
    ...store,
    putSlot(topic, slot) {
      onPut()
      return store.putSlot(topic, slot)
    },
  }
}
