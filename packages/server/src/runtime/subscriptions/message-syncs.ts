import type { Slot, SlotPage } from '../../ports/log.ts'
import type { Store } from '../../ports/store.ts'
import type { ConnectionSubscription } from '../../ports/subscriptions.ts'
import { withReport } from '../context/failure-source.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import type { Failure } from '../context/served-application.ts'
import { SyncRights } from './sync-rights.ts'

/** Slots that all syncs of one message may read together. */
const mostSlots = 1_000
/** The sum of their sizes after which no further log is read: 512 read units. */
const mostBytes = 2 * 1024 * 1024
/** One page of a log takes at least this many: three slots, a second look at a hole, and the head after a gap. */
const leastSlots = 8
const slotOverhead = 200 // bytes of a slot's other attributes
const unitBytes = 4_096 // that one unit reads with strong consistency

/**
 * What all syncs of one message share: the rows of the connection, which are read once; the slots that they may still
 * read; and the errors, which are reported as one. [TL-SYNC-8]
 */
export class MessageSyncs {
  /** The context of the message, for what is not counted. */
  readonly outer: InvocationContext
  /** What the sender may get. */
  readonly rights: SyncRights
  #context: InvocationContext | undefined
  #slots = mostSlots
  #bytes = mostBytes
  #hasRead = false
  #rowsReadAt = 0
  #rows: Promise<ReadonlyMap<string, ConnectionSubscription>> | undefined
  #failure: Failure | undefined
  #failures = 0
  #units = 0

  constructor(outer: InvocationContext) {
    this.outer = outer
    this.rights = new SyncRights(outer)
  }

  /** The context of the message, whose store counts slots and whose errors are collected. Made for the first sync. */
  get context(): InvocationContext {
    this.#context ??= this.#createContext()
    return this.#context
  }

  /** The connection's rows by the id in them. */
  readRows(connectionId: string): Promise<ReadonlyMap<string, ConnectionSubscription>> {
    if (this.#rows === undefined) this.#rowsReadAt = this.outer.clock.now()
    this.#rows ??= this.outer.store.readSubscriptions(connectionId).then((rows) => {
      this.#units += Math.max(1, Math.ceil(JSON.stringify(rows).length / unitBytes))
      return new Map(rows.map((row) => [row.id, row]))
    })
    return this.#rows
  }

  /** When the read of the connection's rows began. */
  get rowsReadAt(): number {
    return this.#rowsReadAt
  }

  /** The read units that the syncs have used so far, as far as they are known here. [TL-HTTP-10] */
  get units(): number {
    return this.#units
  }

  /** Counts read units of what is read elsewhere for a sync. */
  addUnits(units: number): void {
    this.#units += units
  }

  /** How many subscriptions' positions may be read now: two slots each. The message's first page has room after it. */
  roomFor(subscriptions: number): number {
    if (this.#bytes <= 0) return 0
    return Math.max(0, Math.min(subscriptions, Math.floor((this.#slots - leastSlots) / 2)))
  }

  /** Whether a log may be read now. The first log of a message always may, so that a client makes progress. */
  beginLog(): boolean {
    const mayRead = !this.#hasRead || (this.#slots >= leastSlots && this.#bytes > 0)
    this.#hasRead = true
    return mayRead
  }

  /** Reports the errors of all syncs as one, preferring one of the server to one of the client. */
  report(): void {
    const count = this.#failures
    if (this.#failure !== undefined) this.outer.server.report({ ...this.#failure, ...(count > 1 && { count }) })
    this.#failure = undefined
    this.#failures = 0
  }

  #createContext(): InvocationContext {
    const { outer } = this
    const report = (failure: Failure) => this.#collect(failure)
    return { ...withReport(outer, report), store: this.#counting(outer.store) }
  }

  #collect(failure: Failure): void {
    this.#failures += 1
    if (this.#failure === undefined || (isOfServer(failure) && !isOfServer(this.#failure))) this.#failure = failure
  }

  #count(slots: Iterable<Slot>): void {
    for (const { data = '' } of slots) {
      this.#slots -= 1
      this.#bytes -= data.length + slotOverhead
      this.#units += Math.ceil((data.length + slotOverhead) / unitBytes)
    }
  }

  /** A store that counts the slots it reads, and reads no more of them than are left. */
  #counting(store: Store): Store {
    const counted = async (reading: Promise<SlotPage>): Promise<SlotPage> => {
      const page = await reading
      this.#count(page.slots)
      return page
    }
    const clamp = (limit: number) => Math.min(limit, Math.max(3, this.#slots - leastSlots + 3))
    const own: Pick<Store, 'readSlots' | 'readSlotsBefore' | 'readSyncStates'> = {
      readSlots: (topic, after, limit) => counted(store.readSlots(topic, after, clamp(limit))),
      readSlotsBefore: (topic, before, limit) => counted(store.readSlotsBefore(topic, before, clamp(limit))),
      readSyncStates: async (asked) => {
        const states = await store.readSyncStates(asked)
        const absent = asked.filter((_, index) => states[index]?.after === undefined)
        // The read of an item that does not exist costs one, however many ask for it.
        this.#units += new Set(absent.map(({ topic, offset }) => `${topic} ${offset}`)).size
        const read = states.flatMap(({ at, after }, index) => {
          const topic = asked[index]?.topic ?? ''
          return [at, after].flatMap((slot) => (slot === undefined ? [] : [[`${topic} ${slot.offset}`, slot] as const]))
        })
        this.#count(new Map(read).values()) // a slot that several need is read once
        return states
      },
    }
    return new Proxy(store, {
      get: (target, name) => Reflect.get(Object.hasOwn(own, name) ? own : target, name) as unknown,
    })
  }
}

function isOfServer({ error }: Failure): boolean {
  return error.code === 'INTERNAL_SERVER_ERROR' || error.code === 'TIMEOUT'
}
