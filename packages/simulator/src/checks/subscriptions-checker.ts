import { isThird, topicOf } from '../records/application.ts'
import type { Entry, SubscriptionRecord } from '../records/history.ts'
import type { Committed } from '../records/published-log.ts'
import type { World } from '../world/world.ts'
import { functionsFailed, isLawfulEnd } from './lawful-errors.ts'
import { partsOf } from './partition-records.ts'
import { isUndetectable } from './rewound-log.ts'

/**
 * `settled`: all clients have had time to converge. `published`: then more was published, which shows stock clients
 * that their ordered delivery stopped.
 */
export type Phase = 'settled' | 'published'

/** Checks what each subscription's application received against the published log. */
export function checkSubscriptions(world: World, phase: Phase): void {
  for (const record of world.history.subscriptions.flatMap(partsOf)) {
    const check = new SubscriptionCheck(world, record)
    for (const entry of record.entries) check.add(entry)
    check.end(phase)
  }
}

type DataEntry = Extract<Entry, { readonly kind: 'data' }>

/** The check of one subscription, whose entries are added in order. */
class SubscriptionCheck {
  readonly #world: World
  readonly #record: ReturnType<typeof partsOf>[number]
  readonly #topic: string
  readonly #published: readonly Committed[]
  readonly #about: string
  /** The indexes in the published log of the received events. */
  readonly #delivered = new Set<number>()
  /** Index in the published log of the last event accounted for; undefined before the first. */
  #at: number | undefined
  /**
   * The application must receive the events from this index on: they were put after `started` or the gap was reported.
   */
  #owed = Number.POSITIVE_INFINITY
  /**
   * True after it received an event that a restore has undone, until that is reported. A response may then move it back.
   */
  #hasUndone = false

  constructor(world: World, record: ReturnType<typeof partsOf>[number]) {
    this.#world = world
    this.#record = record
    this.#topic = record.topic ?? topicOf(record.room)
    this.#published = world.table.published.of(this.#topic)
    this.#about = `${record.device} ${record.path} ${record.topic ?? record.room}`
  }

  add(entry: Entry): void {
    if (entry.kind === 'started') this.#addStarted(entry.seen)
    if (entry.kind === 'gap') this.#addGap(entry.seen)
    if (entry.kind === 'data') this.#addData(entry)
  }

  #addStarted(seen: number): void {
    if (this.#at === undefined) this.#owed = this.#record.isStock ? seen : Math.min(this.#owed, seen)
  }

  #addGap(seen: number): void {
    this.#at = undefined
    this.#owed = seen
    this.#hasUndone = false
    // a gap may move it back, and then it receives events again
    if (this.#world.table.published.rewinds.length > 0) this.#delivered.clear()
  }

  #addData(entry: DataEntry): void {
    const index = this.#world.table.published.indexOf(this.#topic, entry.id, entry)
    const found = this.#published[index]
    if (found === undefined)
      this.#world.report.break('H8', `${this.#about} received ${entry.id}, which is not in the log`)
    else if (entry.state !== undefined) this.#addState({ ...entry, state: entry.state }, index, found)
    else this.#addEvent(entry, index, found)
  }

  /** A state replaces the events before it. */
  #addState({ id, state }: DataEntry & { readonly state: number }, index: number, { undone }: Committed): void {
    const { report } = this.#world
    if (this.#at !== undefined && index < this.#at && !this.#hasUndone)
      report.break('H6', `${this.#about} restarted at ${id}, before its position`)
    if (state < index + 1) report.break('H7', `${this.#about} started with a state older than its position ${id}`)
    this.#at = index
    this.#owed = index + 1
    if (this.#hasUndone) this.#delivered.clear()
    this.#hasUndone = undone
  }

  #addEvent({ id, n, seen }: DataEntry, index: number, found: Committed): void {
    const { report } = this.#world
    // held back from the undone history
    if (found.undone && isUndetectable(this.#world, this.#record, { index, seen })) return
    if (found.n !== n) report.break('H3', `${this.#about} received ${n} as ${id}, which is ${found.n}`)
    if (!this.#isMatch(found)) report.break('H8', `${this.#about} received ${n}, which its filter excludes`)
    if (this.#delivered.has(index)) report.break('H2', `${this.#about} received ${id} (${n}) twice`)
    else if (this.#at !== undefined && index < this.#at)
      report.break('H6', `${this.#about} received ${id} (${n}) out of order`)
    const lost = this.#firstMissing(index)
    if (lost !== undefined) report.break('H7', `${this.#about} received ${id} and never ${lost}, without a signal`)
    this.#delivered.add(index)
    this.#hasUndone ||= found.undone
    this.#at = Math.max(index, this.#at ?? index)
    this.#owed = this.#at + 1
  }

  #isMatch({ n }: Committed): boolean {
    return n !== undefined && (this.#record.path !== 'thirds' || isThird(n))
  }

  /** The first event before an index that the application must have received and did not. */
  #firstMissing(to: number): string | undefined {
    const from = this.#at === undefined ? this.#owed : Math.min(this.#owed, this.#at + 1)
    for (let index = Math.max(0, from); index < to; index++) {
      const each = this.#published[index]
      if (each === undefined || !this.#isMatch(each) || each.undone) continue
      if (!isUndetectable(this.#world, this.#record, { index }))
        return `${each.slot.epoch}:${each.slot.offset} (${each.n})`
    }
    return undefined
  }

  /** Checks how the subscription ended, or that it has reached the head of its log. */
  end(phase: Phase): void {
    const { report, plan } = this.#world
    const { ended, entries, isStock } = this.#record
    if (ended === 'error' && !isLawfulEnd(this.#record, plan.struck))
      report.break('H15', `${this.#about} ended: ${JSON.stringify(entries.at(-1))}`, 'other')
    if (ended !== undefined) return
    if (isStock && phase === 'settled') return // in a quiet topic, the last event is delivered with the next one
    // a subscribe whose function died before it wrote the row gets no response: its client waits for its connection's end
    if (isStock && functionsFailed(plan.struck) > 0 && lacksRow(this.#world, this.#record)) return
    if (!entries.some(({ kind }) => kind !== 'error')) {
      report.break('H15', `${this.#about} never started`)
      return
    }
    const lost = this.#firstMissing(this.#published.length)
    if (lost !== undefined) report.break('H5', `${this.#about} never received ${lost} of ${this.#published.length}`)
  }
}

/**
 * Whether the table has fewer rows than the device has live subscriptions like this one. Equal subscriptions of one
 * device cannot be distinguished by their rows.
 */
function lacksRow({ table, gateway, history }: World, { device, path, room }: SubscriptionRecord): boolean {
  const alike = history.subscriptions.filter(
    (each) => each.ended === undefined && each.device === device && each.path === path && each.room === room,
  )
  const topic = topicOf(room)
  const { shards = 1 } = table.operations.readSubscribers(topic, 0, {})
  const rows = Array.from(
    { length: shards },
    (_, shard) => table.operations.readSubscribers(topic, shard, {}).subscribers,
  )
  const known = rows
    .flat()
    .filter((row) => row.path === path && gateway.connections.get(row.connectionId)?.device === device)
  return known.length < alike.length
}
