/** Removes what a line holds about a principal or in a topic: for scripts, since no function has the rights. */

export type { EraseReport } from '../runtime/erasure/erase.ts'
export type { EraseCounts, ErasedSubject, EraseOptions, EraseProgress, EraseState } from '../runtime/erasure/run.ts'
export { type EraseSubject, erase } from './erase.ts'
