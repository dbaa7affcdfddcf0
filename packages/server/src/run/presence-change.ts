import { randomName } from '../ports/clock.ts'
import type { PresenceRow, PresenceSaid } from '../ports/presence-row.ts'
import { readNewest } from './append.ts'
import { LineFailure } from './line-failure.ts'
import { isAnchor } from './log.ts'
import { tell } from './presence-log.ts'
import { changeOf, expiresOf, living, type Sessions } from './presence-row.ts'
import type { Followed } from './replay.ts'
import type { Scope } from './scope.ts'

/** The member of a presence topic. */
export interface MemberOf {
  readonly log: Followed
  readonly member: string
}

/** Makes other sessions of those that live; undefined when there is nothing to change. `v` is the version that the change would get. */
export type Apply = (sessions: Sessions, at: { readonly now: number; readonly v: number }) => Sessions | undefined

const attempts = 50 // losing as many races in a row means that something else is wrong

/**
 * Changes a member: one conditional write of its row, then, if others see the change, the log repeats it (PROOFS H9). What is over is left out by the way.
 * Gives the row that stands; undefined where there is none.
 */
export async function changeMember(
  scope: Scope,
  { log, member }: MemberOf,
  apply: Apply,
): Promise<PresenceRow | undefined> {
  const { topic } = log
  let row = await scope.store.readPresence(topic, member)
  for (let attempt = 0; attempt < attempts; attempt++) {
    const now = scope.clock.now()
    const v = (row?.v ?? 0) + 1
    const sessions = apply(living(row?.sessions ?? {}, now), { now, v })
    if (sessions === undefined || (row === undefined && Object.keys(sessions).length === 0)) return row
    const newest = await readNewest(scope, topic)
    const epoch = newest !== undefined && isAnchor(newest, now) ? newest.epoch : undefined
    const change = changeOf(row, sessions, epoch)
    if (change !== undefined && row?.pending === true) {
      row = await tell(scope, log, row) // first what was said before: each member's changes stand in order
      continue
    }
    if (change === undefined && row !== undefined && !row.pending && Object.keys(sessions).length === 0) {
      const outcome = await scope.store.deletePresence(row) // it spoke into a history that is over
      if (outcome.status === 'deleted') return undefined
      row = outcome.row
      continue
    }
    const written = { topic, member, v, mark: randomName(scope.clock, 20), sessions, expires: expiresOf(sessions, now) }
    const said = change && { ...change, id: written.mark, base: newest?.offset ?? 0 }
    const next: PresenceRow | undefined =
      said !== undefined ? { ...written, said, pending: true } : row && { ...row, ...written }
    if (next === undefined) return row
    const outcome = await scope.store.putPresence(next, row?.mark)
    if (outcome.status === 'put' && said === undefined) return next
    if (outcome.status === 'put') {
      measureChange(scope, said)
      return tell(scope, log, next, newest ?? null)
    }
    row = outcome.row
  }
  throw new LineFailure('RATE_LIMITED', `The presence of this member changes too often (${attempts} conflicts).`)
}

function measureChange({ telemetry }: Scope, said: PresenceSaid | undefined): void {
  if (said?.type === 'join') telemetry.measure('joins', 1)
  if (said?.type === 'leave') telemetry.measure('leaves', 1)
}
