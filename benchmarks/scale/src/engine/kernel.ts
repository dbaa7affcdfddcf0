import { createRandom, type Random } from '../../../../packages/simulator/src/kernel/random.ts'

/** A clock of virtual milliseconds, and the events that are due. The same seed gives the same run. */
export interface Simulation {
  now(): number
  readonly random: Random
  /** Calls `fn` after `ms` milliseconds. Events of the same time run in the order of their `after`. */
  after(ms: number, fn: () => void): void
  /** Runs until no event is left, or until `untilMs`. */
  run(untilMs?: number): void
}

interface Due {
  readonly at: number
  readonly order: number
  readonly fn: () => void
}

/** Creates a simulation that begins at 0. */
export function createSimulation(seed: number, name: string): Simulation {
  const heap: Due[] = []
  let time = 0
  let order = 0
  return {
    now: () => time,
    random: createRandom(seed, name),
    after(ms, fn) {
      push(heap, { at: time + Math.max(0, ms), order: order++, fn })
    },
    run(untilMs = Number.POSITIVE_INFINITY) {
      for (let next = heap[0]; next !== undefined && next.at <= untilMs; next = heap[0]) {
        pop(heap)
        time = next.at
        next.fn()
      }
    },
  }
}

const isBefore = (one: Due, other: Due) => one.at < other.at || (one.at === other.at && one.order < other.order)

function push(heap: Due[], due: Due): void {
  let at = heap.length
  heap.push(due)
  while (at > 0) {
    const parent = (at - 1) >> 1
    const above = heap[parent] as Due
    if (!isBefore(due, above)) break
    heap[at] = above
    at = parent
  }
  heap[at] = due
}

function pop(heap: Due[]): void {
  const last = heap.pop() as Due
  if (heap.length === 0) return
  let at = 0
  for (;;) {
    let child = at * 2 + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && isBefore(heap[child + 1] as Due, heap[child] as Due)) child += 1
    if (!isBefore(heap[child] as Due, last)) break
    heap[at] = heap[child] as Due
    at = child
  }
  heap[at] = last
}
