import type { Simulation } from './kernel.ts'
import { type Bucket, createBucket, createQueue } from './resources.ts'
import type { ServiceTimes } from './service-times.ts'
import type { WallLog } from './walls.ts'

/** API Gateway's callback API. */
export interface ModelGateway {
  /** One post. Calls `done` with its result. */
  post(done: (isPosted: boolean) => void): void
  /** The tokens of the account, which messages of clients use too. */
  readonly bucket: Bucket
  counts(): { readonly posted: number; readonly refused: number; readonly lastAt: number }
}

/** A gateway that takes `perSecond` requests, after a burst. */
export function createGateway(
  sim: Simulation,
  log: WallLog,
  { times, perSecond, burst }: { readonly times: ServiceTimes; readonly perSecond: number; readonly burst: number },
): ModelGateway {
  const bucket = createBucket(sim, { perSecond, burst })
  const cpu = times.cpuMs === undefined ? undefined : createQueue(sim, times.cpuMs)
  let [posted, refused, lastAt] = [0, 0, 0]
  function answer(done: (isPosted: boolean) => void): void {
    const isTaken = bucket.take()
    if (isTaken) posted += 1
    else {
      refused += 1
      log.hit('posts', sim.now())
    }
    sim.after(times.postMs, () => {
      if (isTaken) lastAt = sim.now()
      done(isTaken)
    })
  }
  return {
    bucket,
    post(done) {
      if (cpu === undefined) answer(done)
      else sim.after(cpu.serve(), () => answer(done))
    },
    counts: () => ({ posted, refused, lastAt }),
  }
}
