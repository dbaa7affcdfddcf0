import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

/** Uniform random numbers in [0, 1) that depend only on the seed. */
export function createRandom(seed: number): () => number {
  const generator = xoroshiro128plus(seed)
  return () => uniformFloat64(generator)
}

const letters = 'abcdefghijklmnopqrstuvwxyz'

/** A text of `bytes` letters. */
export function randomText(random: () => number, bytes: number): string {
  return Array.from({ length: bytes }, () => letters[Math.floor(random() * letters.length)]).join('')
}
