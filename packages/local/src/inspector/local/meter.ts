import type { LocalClock } from '../../emulators/clock.ts'
import { type Metered, metered, type Usage } from './prices.ts'

/** Counts usage, in total and for the last minute. */
export interface Meter {
  add(item: Metered, amount: number): void
  total(): Usage
  /** The usage of an hour at the rate of the last minute. */
  perHour(): Usage
}

type Counts = Record<Metered, number>

const windowMs = 60_000
const minutesInHour = 60

/** Creates a meter with a bucket for each second of the last minute, at most 61. */
export function createMeter(clock: Pick<LocalClock, 'now'>): Meter {
  const total = none()
  let buckets: { readonly at: number; readonly counts: Counts }[] = []

  function dropOld(): void {
    const oldest = clock.now() - windowMs
    buckets = buckets.filter(({ at }) => at > oldest)
  }
  function bucket(): Counts {
    const at = Math.floor(clock.now() / 1_000) * 1_000
    const last = buckets.at(-1)
    if (last?.at === at) return last.counts
    dropOld()
    const counts = none()
    buckets.push({ at, counts })
    return counts
  }
  return {
    add(item, amount) {
      total[item] += amount
      bucket()[item] += amount
    },
    total: () => ({ ...total }),
    perHour() {
      dropOld()
      const sum = none()
      for (const { counts } of buckets) for (const item of metered) sum[item] += counts[item] * minutesInHour
      return sum
    },
  }
}

function none(): Counts {
  return { messages: 0, connectionMinutes: 0, requests: 0, gbSeconds: 0, readUnits: 0, writeUnits: 0 }
}
