import type { OnLost } from '../../define/stream-rules.ts'
import { createLog } from '../../memory/log.ts'
import type { Slot, SlotPage } from '../../ports/log.ts'
import { expiresFor } from '../log/retention.ts'
import { parseState, type StreamState } from '../streams/state.ts'
import { StreamRuns } from './stream-laws.suite.ts'
import { type Answer, beginning, type Request, streamRetentionMs, topic } from './stream-process.suite.ts'

/** How old the slots of an answer look: any process may find a running stream lapsed, at any time. */
type Age = 'fresh' | 'lapsed'

const timeOf = { fresh: beginning, lapsed: beginning - 46_000, past: beginning - streamRetentionMs - 60_000 }
const expires = expiresFor(beginning, streamRetentionMs)

/** A request's effect and its possible answers. */
export interface Effect {
  readonly table: Table
  readonly answers: readonly Answer[]
}

/**
 * The rows of a stream at one point of a search. Equal tables are one object. The reference log of the memory store
 * applies the requests. Times are left out: an answer presents slots as fresh, lapsed, or past their retention.
 */
export class Table {
  readonly id: number
  readonly slots: readonly Slot[]
  readonly runs: StreamRuns
  readonly hasInput: boolean
  /** The slots that are past their retention. */
  readonly past: number
  /** What breaks the law of streams in this log. */
  readonly flaw: string | undefined
  readonly #shared: Shared
  readonly #next = new Map<string, Table>()
  readonly #effects = new Map<string, Effect>()

  constructor(shared: Shared, of: Pick<Table, 'slots' | 'runs' | 'hasInput' | 'past'>) {
    this.#shared = shared
    shared.count += 1
    this.id = shared.count
    this.slots = of.slots
    this.runs = of.runs
    this.hasInput = of.hasInput
    this.past = of.past
    const isClaimedWithoutInput = this.runs.claims > 0 && !of.hasInput
    this.flaw =
      this.runs.flaw ??
      this.runs.flawWith(shared.rules) ??
      (isClaimedWithoutInput ? `It is claimed without an input: ${this.runs.describe()}` : undefined)
  }

  get state(): StreamState | undefined {
    return this.runs.state
  }

  /** What a request does, and what it may be answered. `mayLapse`: its process may find a running stream lapsed. */
  apply(request: Request, mayLapse: boolean): Effect {
    const text = `${mayLapse}${request.text}`
    let effect = this.#effects.get(text)
    if (effect === undefined) {
      effect = this.#apply(request, mayLapse)
      this.#effects.set(text, effect)
    }
    return effect
  }

  /** The retention of what is closed passes. */
  pass(): Table {
    return this.#child('past', () => ({ past: this.slots.length }))
  }

  /** The table with one more slot. */
  with(slot: Slot): Table {
    const normal = { ...slot, time: beginning, expires }
    const number = this.#shared.numberOf(JSON.stringify(normal))
    return this.#child(`slot ${number}`, () => ({
      slots: [...this.slots, normal],
      runs: this.runs.with(normal, this.past > 0 && this.past === this.slots.length),
    }))
  }

  #child(name: string, make: () => Partial<Pick<Table, 'slots' | 'runs' | 'hasInput' | 'past'>>): Table {
    let next = this.#next.get(name)
    if (next === undefined) {
      next = new Table(this.#shared, { ...this.#members(), ...make() })
      this.#next.set(name, next)
    }
    return next
  }

  #members() {
    return { slots: this.slots, runs: this.runs, hasInput: this.hasInput, past: this.past }
  }

  #apply({ operation, args }: Request, mayLapse: boolean): Effect {
    switch (operation) {
      case 'yield':
        return { table: this, answers: [{ key: '', value: undefined }] }
      case 'putStreamInput':
        return { table: this.#child('input', () => ({ hasInput: true })), answers: [{ key: '', value: undefined }] }
      case 'putSlot': {
        const slot = args[1] as Slot
        const outcome = this.#log().putSlot(topic, slot)
        if (outcome.status === 'put') return { table: this.with(slot), answers: [{ key: 'put', value: outcome }] }
        const page = { slots: [outcome.slot], more: false }
        const answers = this.#answers(page, mayLapse, ({ slots }) => ({ status: 'taken', slot: slots[0] }))
        return { table: this, answers }
      }
      case 'readSlots': {
        const page = this.#log().readSlots(topic, args[1] as number, args[2] as number)
        return { table: this, answers: this.#answers(page, false, (found) => found) }
      }
      case 'readSlotsBefore': {
        const page = this.#log().readSlotsBefore(topic, (args[1] as number | null) ?? undefined, args[2] as number)
        return { table: this, answers: this.#answers(page, mayLapse, (found) => found) }
      }
    }
  }

  #log() {
    const { operations } = createLog()
    for (const slot of this.slots) operations.putSlot(topic, slot)
    return operations as unknown as {
      putSlot(topic: string, slot: Slot): { status: 'put' } | { status: 'taken'; slot: Slot }
      readSlots(topic: string, after: number, limit: number): SlotPage
      readSlotsBefore(topic: string, before: number | undefined, limit: number): SlotPage
    }
  }

  #answers(page: SlotPage, mayLapse: boolean, toValue: (page: SlotPage) => unknown): readonly Answer[] {
    const isRunning = mayLapse && parseState(page.slots[0]?.state)?.at === 'running'
    const numbers = page.slots.map((slot) => this.#shared.numberOf(JSON.stringify(slot)))
    const ages: readonly Age[] = isRunning ? ['fresh', 'lapsed'] : ['fresh']
    return ages.map((age) => {
      const isPast = (slot: Slot) => slot.offset <= this.past
      const slots = page.slots.map((slot) => ({ ...slot, time: timeOf[isPast(slot) ? 'past' : age] }))
      const aged = page.slots.filter(isPast).length
      return { key: `${numbers.join()} ${page.more} ${age} ${aged}`, value: toValue({ ...page, slots }) }
    })
  }
}

/** What the tables of one search have in common. */
export class Shared {
  count = 0
  readonly rules: { readonly chunks: number; readonly onLost: OnLost }
  readonly #numbers = new Map<string, number>()

  constructor(rules: Shared['rules']) {
    this.rules = rules
  }

  /** Equal texts have equal numbers. */
  numberOf(text: string): number {
    const number = this.#numbers.get(text) ?? this.#numbers.size
    this.#numbers.set(text, number)
    return number
  }

  empty(): Table {
    return new Table(this, { slots: [], runs: new StreamRuns(), hasInput: false, past: 0 })
  }
}
