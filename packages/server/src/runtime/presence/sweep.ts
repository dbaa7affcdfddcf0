import { defined } from '@trunkline/protocol'
import type { PresenceTimes } from '../../define/definition.ts'
import type { PresenceRow } from '../../ports/presence.ts'
import { mapConcurrent } from '../context/map-concurrent.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'
import type { LogRef } from '../log/replay.ts'
import { appendChange } from './append-change.ts'
import { living } from './rows/member-row.ts'
import { pruneMember } from './session.ts'

/** After this time another function may repeat a sweep whose function died. */
const claimMs = 30_000
const concurrentPrunes = 8
const rowSeconds = 24 * 3_600

/**
 * Ends the expired leases of a topic, if it is time. The due time is the earliest end of a lease that the last sweep
 * saw. Leases are only renewed, and a session that joined since has a full lease, so the due time is never later than
 * the end of a lease, unless a lost socket shortened it. The first sync after that end sweeps. [TL-PRES-6] A session
 * whose lease is shorter than the others' brings the sweep forward: it is due `by` the end of that lease, in epoch
 * milliseconds. [TL-HTTP-16]
 */
export async function sweepIfDue(
  context: RuntimeContext,
  log: LogRef,
  { leaseMs, by = Number.POSITIVE_INFINITY }: Pick<PresenceTimes, 'leaseMs'> & { readonly by?: number | undefined },
): Promise<void> {
  const { store, clock } = context
  const due = await store.readSweep(log.topic)
  const now = clock.now()
  if (due > by) await store.moveSweep(log.topic, { from: due, to: by, expires: expiresOf(now, leaseMs) })
  if (due > now) return
  const claimed = now + claimMs
  const expires = expiresOf(now, leaseMs)
  if ((await store.moveSweep(log.topic, { from: due, to: claimed, expires })) === 'conflict') return
  const earliest = await sweep(context, log, now + leaseMs)
  await store.moveSweep(log.topic, { from: claimed, to: earliest, expires })
}

function expiresOf(now: number, leaseMs: number): number {
  return Math.ceil((now + leaseMs) / 1_000) + rowSeconds
}

/** Reads all rows and ends expired sessions. Returns the earliest end of a lease, at most `latest`. */
async function sweep(context: RuntimeContext, log: LogRef, latest: number): Promise<number> {
  let earliest = latest
  for await (const rows of pagesOf(context, log.topic)) {
    const now = context.clock.now()
    await pruneAll(
      context,
      log,
      rows.filter((row) => isOver(row, now)),
    )
    for (const row of rows) if (row.pending) await appendChange(context, log, row) // in case the stream's record was lost
    for (const { sessions } of rows)
      for (const { lease } of Object.values(living(sessions, now))) earliest = Math.min(earliest, lease)
  }
  return earliest
}

/** The members' rows, page by page. */
export async function* pagesOf(
  context: RuntimeContext,
  topic: string,
): AsyncGenerator<readonly PresenceRow[], void, void> {
  for (let from: string | undefined, more = true; more; more = from !== undefined) {
    const page = await context.store.readPresences(topic, defined({ from }))
    yield page.rows
    from = page.next
  }
}

/** Whether the row has a session whose lease has expired. */
export function isOver({ sessions }: PresenceRow, now: number): boolean {
  return Object.values(sessions).some(({ lease }) => lease <= now)
}

/** Ends the expired sessions of these members. Returns their current rows; undefined where none exists. */
export async function pruneAll(
  context: RuntimeContext,
  log: LogRef,
  rows: readonly PresenceRow[],
): Promise<ReadonlyMap<string, PresenceRow | undefined>> {
  const pruned = await mapConcurrent(
    rows,
    concurrentPrunes,
    async ({ member, sessions }) => [member, await pruneMember(context, { log, member }, sessions)] as const,
  )
  return new Map(pruned)
}
