import type { Operations } from '../../../../server/src/memory/operations.ts'
import { createRows } from '../../../../server/src/memory/store.ts'
import type { KeyRow, Slot } from '../../../../server/src/ports/store.ts'
import { createQuota } from '../../kernel/quota.ts'
import type { Random } from '../../kernel/random.ts'
import type { Report } from '../../kernel/report.ts'
import { createPublishedLog, type PublishedLog } from '../../records/published-log.ts'

/**
 * The table: the reference store's operations, each at one instant, with a stream, a TTL and a record of all puts.
 */
export interface Table {
  readonly operations: Operations
  readonly published: PublishedLog
  /** All idempotency keys that were claimed or used to publish. */
  readonly keys: ReadonlySet<string>
  /** Called once for each new slot. */
  onSlot: (topic: string, slot: Slot) => void
  /** Called for each write of a member with a pending change. */
  onMember: (topic: string, member: string) => void
  /** Called for each write of the row that leads from a principal to a connection. */
  onPrincipalConnection: (connectionId: string) => void
  /** Deletes a random share of the expired rows, in no particular order. */
  deleteExpired(random: Random, share: number): void
  keyRow(key: string): KeyRow | undefined
  /** Records all writes from now on, so that `rewind` can repeat them. */
  keepWrites(): void
  /** Copies the table. `rewind` restores the copy. */
  copy(): TableCopy
  /** Restores a copy. */
  rewind(copy: TableCopy): void
}

/** The number of writes up to a moment, and the length of each log. */
export interface TableCopy {
  readonly writes: number
  readonly lengths: ReadonlyMap<string, number>
}

type Untyped = Readonly<Record<string, (...args: readonly unknown[]) => unknown>>

const anchorMs = 3_600_000
const clockErrorMs = 30_000

const isRead = (name: string) => name.startsWith('read') || name === 'hasReceipts'

/** Creates an empty table. Each put is checked against rules H2, H3 and H4. */
export function createTable(now: () => number, report: Report): Table {
  let rows = createRows()
  let writes: (readonly [name: string, args: readonly unknown[]])[] | undefined
  const published = createPublishedLog()
  const keys = new Set<string>()
  const countPut = createQuota({ name: 'puts to a partition', perSecond: 1_000, now, report })
  const run = (name: string, args: readonly unknown[]) => (rows.operations as unknown as Untyped)[name]?.(...args) // the caller of `operations` gives matching arguments
  const base = Object.fromEntries(
    Object.keys(rows.operations).map((name) => [
      name,
      (...args: readonly unknown[]) => {
        if (!isRead(name)) writes?.push([name, args])
        return run(name, args)
      },
    ]),
  ) as unknown as Operations // every operation has an entry
  const operations: Operations = {
    ...base,
    putSlot(topic, slot) {
      countPut(topic) // a conflicting put has the same cost
      const last = published.of(topic).findLast(({ undone }) => !undone)?.slot
      const head = last && rows.slotAt(topic, last.offset)
      const outcome = base.putSlot(topic, slot)
      if (outcome.status === 'put') {
        checkPut(topic, slot, { last, head })
        published.add(topic, slot, now())
        table.onSlot(topic, slot)
      }
      return outcome
    },
    extendSlot(topic, offset, expires) {
      const before = rows.slotAt(topic, offset)
      const outcome = base.extendSlot(topic, offset, expires)
      if (before !== undefined && expires < before.expires - 60) report.break('H3', `${topic}:${offset} was shortened`)
      return outcome
    },
    putPrincipalConnection(row) {
      table.onPrincipalConnection(row.connectionId)
      return base.putPrincipalConnection(row)
    },
    putSubscriber(row) {
      if (row.connectionId.startsWith('http-')) report.break('H21', `${row.topic} has a row of ${row.connectionId}`)
      return base.putSubscriber(row)
    },
    putPresence(row, over) {
      const outcome = base.putPresence(row, over)
      if (outcome.status === 'put' && row.pending) table.onMember(row.topic, row.member)
      return outcome
    },
    claimKey(claim) {
      keys.add(claim.key)
      return base.claimKey(claim)
    },
  }

  function checkPut(
    topic: string,
    slot: Slot,
    { last, head }: { readonly last: Slot | undefined; readonly head: Slot | undefined },
  ): void {
    const all = published.of(topic)
    if (last === undefined) return
    if (slot.epoch === last.epoch && slot.offset !== last.offset + 1)
      report.break('H4', `${topic}: ${slot.epoch}:${slot.offset} follows ${last.offset}`)
    if (slot.epoch === last.epoch) return
    if (head !== undefined && head.expires * 1_000 - now() > anchorMs + clockErrorMs)
      report.break(
        'H4',
        `${topic}: epoch ${slot.epoch} was started although the anchor ${last.epoch}:${last.offset} exists`,
      )
    if (all.some((each) => each.slot.epoch === slot.epoch && !each.undone))
      report.break('H2', `${topic}: epoch ${slot.epoch} came back`)
  }

  const table: Table = {
    operations,
    published,
    keys,
    onSlot: () => {},
    onMember: () => {},
    onPrincipalConnection: () => {},
    deleteExpired(random, share) {
      rows.deleteExpired((expires) => expires * 1_000 < now() && random.chance(share))
    },
    keyRow: (key) => base.readKey(key),
    keepWrites() {
      writes = []
    },
    copy: () => ({ writes: writes?.length ?? 0, lengths: published.lengths() }),
    rewind(copy) {
      if (writes === undefined) throw new Error('Expected keepWrites() before rewind(): this table recorded no writes.')
      writes.length = copy.writes
      rows = createRows()
      for (const [name, args] of writes) run(name, args)
      published.rewind(copy.lengths, now())
    },
  }
  return table
}
