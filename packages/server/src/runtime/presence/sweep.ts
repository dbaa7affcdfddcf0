import type { PresenceTimes } from '../../define/definition.ts'
import type { PresenceRow } from '../../ports/presence.ts'
import type { RuntimeContext } from '../context/scope.ts'
import type { LogRef } from '../log/replay.ts'
import { tell } from './append-change.ts'
import { living } from './rows/member-row.ts'
import { pruneMember } from './session.ts'

const claimMs = 30_000 // after which another takes up the work of one that died
const prunedAtOnce = 8
const keptSeconds = 24 * 3_600

/**
 * Ends the leases of a topic that have run out, if it is time. The instant is the earliest end of a lease that the last look saw; leases are renewed, and who joined since
 * has a whole one, so it is never later than the end that any lease had before a loss cut it short. So the first sync after that end finds it. [TL-PRES-6]
 */
export async function sweepIfDue(scope: RuntimeContext, log: LogRef, { leaseMs }: PresenceTimes): Promise<void> {
  const { store, clock } = scope
  const due = await store.readSweep(log.topic)
  const now = clock.now()
  if (due > now) return
  const claimed = now + claimMs
  const expires = Math.ceil((now + leaseMs) / 1_000) + keptSeconds
  if ((await store.moveSweep(log.topic, { from: due, to: claimed, expires })) === 'standing') return
  const earliest = await sweep(scope, log, now + leaseMs)
  await store.moveSweep(log.topic, { from: claimed, to: earliest, expires })
}

/** Looks through all rows; gives the earliest end of a lease, `latest` at the latest. */
async function sweep(scope: RuntimeContext, log: LogRef, latest: number): Promise<number> {
  let earliest = latest
  for await (const rows of pagesOf(scope, log.topic)) {
    const now = scope.clock.now()
    await pruneAll(
      scope,
      log,
      rows.filter((row) => isOver(row, now)),
    )
    for (const row of rows) if (row.pending) await tell(scope, log, row) // where the stream's record was lost
    for (const { sessions } of rows)
      for (const { lease } of Object.values(living(sessions, now))) earliest = Math.min(earliest, lease)
  }
  return earliest
}

/** The members' rows, page by page. */
export async function* pagesOf(
  scope: RuntimeContext,
  topic: string,
): AsyncGenerator<readonly PresenceRow[], void, void> {
  for (let from: string | undefined, more = true; more; more = from !== undefined) {
    const page = await scope.store.readPresences(topic, from === undefined ? {} : { from })
    yield page.rows
    from = page.next
  }
}

/** Whether some session of a member is over and nobody has said so. */
export function isOver({ sessions }: PresenceRow, now: number): boolean {
  return Object.values(sessions).some(({ lease }) => lease <= now)
}

/** Ends what is over of these members; gives their rows as they then stand, undefined where none does. */
export async function pruneAll(
  scope: RuntimeContext,
  log: LogRef,
  rows: readonly PresenceRow[],
): Promise<ReadonlyMap<string, PresenceRow | undefined>> {
  const pruned = new Map<string, PresenceRow | undefined>()
  let next = 0
  const worker = async () => {
    for (let row = rows[next++]; row !== undefined; row = rows[next++]) {
      const { member, sessions } = row
      pruned.set(member, await pruneMember(scope, { log, member }, sessions))
    }
  }
  await Promise.all(Array.from({ length: Math.min(prunedAtOnce, rows.length) }, worker))
  return pruned
}
