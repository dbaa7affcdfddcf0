import { expect, it } from 'vitest'
import { glide } from './glide.ts'

const [start, end] = [
  { x: 0, y: 1 },
  { x: 1, y: 0 },
]

it('approaches the newest place, never beyond it, however the frames are divided', () => {
  expect(glide(start, end, 40)).toEqual({ x: 0.5, y: 0.5 })
  const inSteps = [10, 10, 20].reduce((place, ms) => glide(place, end, ms), start)
  expect(inSteps.x).toBeCloseTo(0.5, 10)
  expect(glide(start, end, 2_000).x).toBeCloseTo(1, 6)
  expect(glide(start, end, 2_000).x).toBeLessThanOrEqual(1)
})
