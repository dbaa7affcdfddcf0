/** Seeded random numbers: the same seed always gives the same numbers. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number
  /** A whole number in [0, `below`). */
  int(below: number): number
  /** Uniform in [`from`, `to`). */
  between(from: number, to: number): number
  chance(probability: number): boolean
  pick<T>(from: readonly T[]): T
  shuffle<T>(from: readonly T[]): T[]
}

/**
 * Creates a random stream (mulberry32). Streams of different names are independent, so drawing more from one does not
 * change the others. The rest of the repository uses `pure-rand`. This generator stays because the seeds of recorded
 * runs depend on it: those of `docs/design/evidence.md` and those of failures that became tests.
 */
export function createRandom(seed: number, name = ''): Random {
  let state = mix(seed, hashText(name))
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let value = Math.imul(state ^ (state >>> 15), state | 1)
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61)
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32
  }
  const int = (below: number) => Math.floor(next() * below)
  return {
    next,
    int,
    between: (from, to) => from + next() * (to - from),
    chance: (probability) => next() < probability,
    pick: (from) => from[int(from.length)] as (typeof from)[number],
    shuffle<T>(from: readonly T[]) {
      const shuffled = [...from]
      for (let at = shuffled.length - 1; at > 0; at--) {
        const other = int(at + 1)
        ;[shuffled[at], shuffled[other]] = [shuffled[other] as T, shuffled[at] as T]
      }
      return shuffled
    },
  }
}

/** Mixes two numbers into one. */
export function mix(one: number, other: number): number {
  let value = (one ^ Math.imul(other ^ (other >>> 16), 0x85ebca6b)) >>> 0
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35) >>> 0
  value = Math.imul(value ^ (value >>> 16), 0x27d4eb2f) >>> 0
  return (value ^ (value >>> 15)) >>> 0
}

/** FNV-1a. */
export function hashText(text: string, seed = 0x811c9dc5): number {
  let hash = seed
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0
  return hash
}
