import { LineFailure } from './line-failure.ts'

/** How often in a row a write of a member's row may find that another came first: more means that something else is wrong. */
export const mostRaces = 50

/** What a caller is told who lost them all. */
export function racesLost(): LineFailure {
  return new LineFailure('RATE_LIMITED', `The presence of this member changes too often (${mostRaces} conflicts).`)
}
