import type { Simulation } from './kernel.ts'
import { createBucket } from './resources.ts'
import type { ServiceTimes } from './service-times.ts'
import type { WallLog } from './walls.ts'

const maxRaces = 32 // of `append.ts`
const firstPauseMs = 20 // of `back-off.ts`
const maxPauseMs = 2_000
const sdkPauseMs = 50 // the SDK's first pause after a throttled request
const sdkAttempts = 3 // of one request, by default
const frameMs = 28_000 // a frame's deadline

/** How an append ended, with its slot if it was put. The other ends refuse the publish. */
export type Appended = { readonly offset: number } | 'too-many-races' | 'throttled' | 'deadline'
type Done = (appended: Appended) => void

/** The log of one topic, to which independent functions append: each puts the slot after the head that it has seen. */
export function createLog(
  sim: Simulation,
  walls: WallLog,
  { times, perSecond }: { readonly times: ServiceTimes; readonly perSecond: number },
) {
  const partition = createBucket(sim, { perSecond, burst: perSecond })
  const counts = { puts: 0, reads: 0, throttled: 0 }
  let head = 0

  /** A conditional write takes effect half-way. Calls `done` with whether the slot was free; undefined if throttled. */
  function put(offset: number, done: (isOwn: boolean | undefined) => void, attempts = 1): void {
    sim.after(times.tableMs / 2, () => {
      if (!partition.take()) {
        walls.hit('partitionWrites', sim.now())
        counts.throttled += 1
        const again = attempts < sdkAttempts ? () => put(offset, done, attempts + 1) : () => done(undefined)
        sim.after(times.tableMs / 2 + sim.random.next() * sdkPauseMs * 2 ** (attempts - 1), again)
        return
      }
      counts.puts += 1
      const isOwn = offset === head + 1
      if (isOwn) head = offset
      sim.after(times.tableMs / 2, () => done(isOwn))
    })
  }
  function attempt(
    known: number,
    lost: number,
    { until, done }: { readonly until: number; readonly done: Done },
  ): void {
    put(known + 1, (isOwn) => {
      if (isOwn === undefined) return done('throttled')
      if (isOwn) return done({ offset: known + 1 })
      if (lost + 1 >= maxRaces) return done('too-many-races')
      if (lost + 1 < 2) return attempt(known + 1, lost + 1, { until, done }) // the conflict proves the slot
      const bound = Math.min(maxPauseMs, firstPauseMs * 2 ** (lost - 1))
      const pauseMs = sim.random.next() * bound
      if (sim.now() + pauseMs >= until) return done('deadline')
      sim.after(pauseMs, () => read((seen) => attempt(seen, lost + 1, { until, done })))
    })
  }
  function read(done: (head: number) => void): void {
    counts.reads += 1
    sim.after(times.tableMs / 2, () => {
      const seen = head
      sim.after(times.tableMs / 2, () => done(seen))
    })
  }
  return {
    append: (done: Done) => read((seen) => attempt(seen, 0, { until: sim.now() + frameMs, done })),
    counts: () => ({ ...counts }),
  }
}
