import { type FakeClock, settle } from '../lambda/test-line.suite.ts'
import type { Store } from '../ports/store.ts'
import { accessOf } from './subscriptions/store-access.suite.ts'

const overhead = 120 // bytes of an item's keys and attribute names, roughly
const unitBytes = 1_024

/** A store whose calls take time and whose write units are counted, and a clock that runs while work is done. */
export interface Contention {
  readonly wrap: (store: Store) => Store
  /** Write units since the last call: one for each started KB, and for each write whose condition failed. */
  readonly took: () => { readonly units: number; readonly lost: number; readonly reads: number }
  /** Moves the clock on until the work has ended. Returns its result and how long it took, in milliseconds. */
  readonly finish: <T>(clock: FakeClock, work: Promise<T>) => Promise<{ readonly result: T; readonly ms: number }>
}

/** Each call of the store takes effect after 2 to 5 ms, and its answer comes 2 to 5 ms later. */
export function createContention(clockOf: () => FakeClock): Contention {
  let [units, lost, reads, running] = [0, 0, 0, false]
  const pause = async () => {
    const clock = clockOf()
    if (running) await clock.sleep(2 + clock.random() * 3)
  }
  return {
    wrap: (store) =>
      new Proxy(store, {
        get(target, name) {
          const member: unknown = Reflect.get(target, name)
          if (typeof member !== 'function' || typeof name !== 'string') return member
          return async (...args: readonly unknown[]) => {
            const writes = accessOf(name as keyof Store, args).writes
            await pause()
            const answer = (await Reflect.apply(member, target, args)) as { readonly status?: string } | undefined
            if (!writes) reads += 1
            else units += Math.ceil((JSON.stringify(args).length + overhead) / unitBytes)
            if (answer?.status === 'taken' || answer?.status === 'conflict') lost += 1
            await pause()
            return answer
          }
        },
      }),
    took() {
      const taken = { units, lost, reads }
      ;[units, lost, reads] = [0, 0, 0]
      return taken
    },
    async finish(clock, work) {
      running = true
      let ended = false
      const done = work.finally(() => {
        ended = true
      })
      done.catch(() => {}) // it is awaited below
      const startedAt = clock.now()
      while (!ended) {
        await clock.advance(1)
        if (clock.now() - startedAt > 120_000) throw new Error('The work has not ended after two minutes.')
      }
      await settle()
      running = false
      return { result: await done, ms: clock.now() - startedAt }
    },
  }
}
