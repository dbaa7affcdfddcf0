// More than 200 lines: the merge of one subscription is one state machine.

import type { Operation, TRPCClientError, TRPCLink } from '@trpc/client'
import type { AnyTRPCRouter } from '@trpc/server'
import { type Observer, observable, type Unsubscribable } from '@trpc/server/observable'
import { formatPartitionId, formatPartitionPath, formatPositions, type PartitionRequest } from '@trunkline/protocol'
import type { Gap, GapHandler } from './session/machine/gap.ts'
import { callContext, optionsOf } from './trpc/call-options.ts'

/**
 * A link that makes one subscription of the partitions of a channel. Put it before Trunkline's own: `createClient({
 * connection, links: [mergePartitions()] })`. Other subscriptions and calls pass through it unchanged.
 *
 * A subscription starts when all partitions have started, and ends with an error when one of them does. The id of an
 * event names its partition and its cursor. A gap names its partition. With `startWith` the state comes before all
 * events, and replaces what a gap has lost. To the server, n partitions are n + 1 subscribes.
 */
export function mergePartitions<R extends AnyTRPCRouter>(): TRPCLink<R> {
  return () =>
    ({ op, next }) =>
      op.type === 'subscription'
        ? observable((observer) => {
            const merged = new MergedSubscription<R>({ op, next, observer })
            merged.ask()
            return () => merged.stop()
          })
        : next(op)
}

const positionKey = 'trunkline.position'

/**
 * The option `context` of a subscription, which passes the position after each event to `listener`. To resume there, for
 * example after the page was loaded again, pass the position as `lastEventId` in the input, and in the procedure to
 * `subscribe(key, { lastEventId })`.
 */
export function onPosition(listener: (lastEventId: string) => void): Record<string, unknown> {
  return { [positionKey]: listener }
}

/** The subscription to one partition. */
interface Part {
  subscription: Unsubscribable | undefined
  /** How often it was opened. */
  attempt: number
  isLive: boolean
  /** It has a position: what follows it is not lost, also when its connection is. */
  hasStarted: boolean
  /** Its position as far as the application has got events. */
  at: string | undefined
  /** Where it began, by the newest answer. */
  from: string | undefined
  /** The state follows the answer that comes. A doubled one brings none: it is not followed by `started`. */
  bringsState: boolean
}

type LinkChain<R extends AnyTRPCRouter> = Parameters<ReturnType<TRPCLink<R>>>[0]['next']
type Chain<R extends AnyTRPCRouter> = ReturnType<LinkChain<R>>
type Value<R extends AnyTRPCRouter> =
  Parameters<Chain<R>['subscribe']>[0] extends Partial<Observer<infer V, infer _E>> ? V : never

interface Parts<R extends AnyTRPCRouter> {
  readonly op: Operation
  readonly next: LinkChain<R>
  readonly observer: Observer<Value<R>, TRPCClientError<R>>
}

/** What the server says of partitions. */
interface Said {
  readonly count: number
  /** Where the partition begins. */
  readonly at?: string
  /** In an answer to a partition: its next event is the state. */
  readonly state?: true
}

/** Events that wait for a partition to start. Beyond that they are shown at once, since none may be lost. */
const mostHeld = 10_000

/** One subscription of the application. It is of one log until the server says that the topic has partitions. */
// [TL-PART-9]
class MergedSubscription<R extends AnyTRPCRouter> {
  readonly #given: Parts<R>
  readonly #parts: Part[] = []
  #asking: Unsubscribable | undefined
  /** How many partitions there are, as far as the server has said. */
  #count = 0
  #hasState = false
  /** The partition that loads the state: it is opened when all others have started. [TL-PART-5] */
  #carrier: number | undefined
  /** The state is to be loaded even if the carrier could resume: another partition has a gap. */
  #mustReload = false
  /** The state is loaded again when all partitions are live. */
  #reloadsWhenLive = false
  /** The next event of the carrier is the state. */
  #awaitsState = false
  /** Where partition 0 goes on, if the subscription was to one log until now. */
  #resumeAt: PartitionRequest['at']
  #isAnnounced = false
  /** The application has got `started`. Partitions that are opened later have been added. */
  #isOpen = false
  #isOver = false
  /** What the application gets when all partitions have started. */
  #held: (() => void)[] = []

  constructor(given: Parts<R>) {
    this.#given = given
  }

  /** Subscribes as to one log. [TL-PART-3] */
  ask(): void {
    const { op, next, observer } = this.#given
    let [hasStarted, last] = [false, undefined as string | undefined]
    const aroundGap = (onGap: GapHandler) => (gap: Gap) => onGap({ ...gap, path: op.path })
    const context = withOptions(op, { aroundGap })
    this.#asking = next({ ...op, context, path: formatPartitionPath(op.path) }).subscribe({
      next: (value) => {
        const { result } = value
        const isLive = result.type === 'started' || result.type === 'data' // an event may overtake the answer
        if (isLive && this.#resumeAt !== undefined) return this.#resumeOne()
        if (isLive) hasStarted = true
        const id = result.type === 'data' && typeof result.id === 'string' ? result.id : undefined
        const { from } = result as { readonly from?: string } // of `started`
        last = id ?? (from !== undefined && isAfter(from, last) ? from : last) // also if a callback throws
        observer.next(value)
        if (id !== undefined) this.#notifyPosition(id)
      },
      error: (error) => {
        const said = saidOf(error.data)
        if (said === undefined) return observer.error(error)
        if (hasStarted) {
          this.#resumeAt = last ?? 'start'
          return this.ask() // the topic has outgrown its log; the answer also says whether there is a state
        }
        this.#hasState = said.state === true
        this.#mustReload = this.#resumeAt !== undefined
        this.#count = said.count
        this.#openMissing()
      },
      complete: () => observer.complete(),
    })
    if (this.#isOver || this.#parts.length > 0) this.#asking.unsubscribe()
  }

  /**
   * The topic has outgrown its log, and a function of the version before, which knows no partitions, has answered. Its
   * log is resumed as the only partition, so that nothing is lost. [TL-PART-7]
   */
  #resumeOne(): void {
    this.#asking?.unsubscribe()
    this.#count = 1
    this.#openMissing()
  }

  stop(): void {
    this.#isOver = true
    this.#held = []
    this.#asking?.unsubscribe()
    for (const { subscription } of this.#parts) subscription?.unsubscribe()
  }

  #openMissing(): void {
    for (let index = this.#parts.length; index < this.#count && !this.#isOver; index++) {
      const isLast = this.#hasState && this.#carrier === undefined && index === this.#count - 1
      if (isLast && !this.#parts.every(({ hasStarted }) => hasStarted)) return
      const at = this.#startOf(index, isLast)
      if (isLast) this.#carrier = index
      const part: Part = {
        subscription: undefined,
        attempt: 0,
        isLive: false,
        hasStarted: false,
        at: undefined,
        from: undefined,
        bringsState: false,
      }
      this.#parts.push(part)
      this.#open(part, { index, count: this.#count, ...(at !== undefined && { at }) })
    }
  }

  /** A partition that was added begins with its first event, so that nothing in it is lost. [TL-PART-6] */
  #startOf(index: number, isLast: boolean): PartitionRequest['at'] {
    if (isLast) return this.#mustReload ? 'new' : undefined
    if (this.#isOpen || this.#carrier !== undefined) return 'start'
    if (this.#resumeAt === undefined) return undefined
    if (this.#hasState) return 'new' // the state has what came before it
    return index === 0 ? this.#resumeAt : 'start'
  }

  #open(part: Part, request: PartitionRequest): void {
    const { op, next } = this.#given
    const { index } = request
    const context = this.#contextOf(index)
    part.attempt += 1
    const { attempt } = part
    const isCurrent = () => !this.#isOver && part.attempt === attempt
    const own = next({ ...op, context, path: formatPartitionPath(op.path, request) }).subscribe({
      next: (value) => isCurrent() && this.#onValue(index, value),
      error: (error) => isCurrent() && this.#end(() => this.#given.observer.error(error)),
      complete: () => isCurrent() && this.#end(() => this.#given.observer.complete()),
    })
    if (isCurrent()) part.subscription = own
    else own.unsubscribe() // it ended, or was opened again, before `subscribe` returned
  }

  /** A state replaces what a gap has lost. Without one, the handler that would be called gets the gap, if any. */
  #contextOf(index: number): Operation['context'] {
    const { op } = this.#given
    if (this.#hasState) return withOptions(op, { onGap: () => this.#reload() })
    return withOptions(op, { aroundGap: (onGap) => (gap) => this.#show(() => onGap(this.#inPartition(index, gap))) })
  }

  #inPartition(index: number, gap: Gap): Gap {
    const { path, input } = this.#given.op
    return {
      ...gap,
      path,
      input,
      lastEventId: gap.lastEventId && formatPartitionId(index, gap.lastEventId),
      partition: index,
    }
  }

  /** Loads the state again, after the partition with the gap has started. [TL-PART-5] */
  #reload(): void {
    this.#mustReload = true
    const carrier = this.#carrier === undefined ? undefined : this.#parts[this.#carrier]
    if (carrier === undefined || this.#carrier === undefined) return
    this.#awaitsState = true
    carrier.isLive = false
    carrier.subscription?.unsubscribe()
    this.#open(carrier, { index: this.#carrier, count: this.#carrier + 1, at: 'new' })
  }

  #onValue(index: number, value: Value<R>) {
    const { result } = value
    if (result.type === 'started') return this.#onStarted(index)
    if (result.type === 'state') return this.#onState(index, value)
    if (result.type !== 'data') return
    const { id, data } = result
    if (typeof id !== 'string') return this.#onSaid(index, saidOf(data))
    const show = () => this.#showEvent(index, { value, id })
    if (!this.#awaitsState || index !== this.#carrier) return this.#show(show)
    this.#awaitsState = false
    this.#held.unshift(show) // the state, before all events
    this.#flush()
  }

  #onSaid(index: number, said: Said | undefined): void {
    const part = this.#parts[index]
    if (said === undefined || part === undefined) return
    part.bringsState = said.state === true
    const { at } = said // behind the position in a late or doubled answer
    if (at !== undefined && isAfter(at, part.from) && isAfter(at, part.at)) {
      part.from = at
      const move = () => {
        part.at = at
      }
      if (this.#held.length === 0) move()
      else this.#held.push(move) // events before it have not been shown
    }
    if (said.count <= this.#count) return
    this.#count = said.count
    this.#openMissing()
  }

  /** A state that is loaded while others start anew, as after `restart`, may lack what they miss: it is loaded again. */
  #awaitState(carrier: Part): void {
    this.#awaitsState = true
    if (this.#isOpen && this.#parts.some((part) => part !== carrier && !part.isLive)) this.#reloadsWhenLive = true
  }

  /** The state of the connection is the same for all partitions. A lost one is announced again. */
  #onState(index: number, value: Value<R>): void {
    const part = this.#parts[index]
    if ('state' in value.result && value.result.state !== 'pending' && part?.isLive) {
      part.isLive = false
      this.#isAnnounced = false
    }
    if (index === 0) this.#given.observer.next(value)
  }

  #onStarted(index: number) {
    const part = this.#parts[index]
    if (part === undefined) return
    part.isLive = true
    part.hasStarted = true
    if (part.bringsState && index === this.#carrier) this.#awaitState(part)
    this.#openMissing()
    if (this.#isAnnounced || this.#parts.length < this.#count) return
    // The first time it is enough that each has started once: a partition whose connection is lost resumes.
    if (!this.#parts.every(({ isLive, hasStarted }) => (this.#isOpen ? isLive : hasStarted))) return
    this.#isAnnounced = true
    this.#isOpen = true
    const { observer, op } = this.#given
    const announce = () => observer.next({ result: { type: 'started' }, context: op.context } as Value<R>)
    if (this.#reloadsWhenLive) {
      this.#reloadsWhenLive = false
      this.#reload()
    }
    if (this.#awaitsState) return announce()
    this.#held.unshift(announce)
    this.#flush()
  }

  /** Shows something now, or when all partitions have started and the state has come. */
  #show(show: () => void): void {
    this.#held.push(show)
    if ((this.#isOpen && !this.#awaitsState) || this.#held.length > mostHeld) this.#flush()
  }

  #flush(): void {
    const thrown: unknown[] = []
    for (let next = this.#held.shift(); next !== undefined; next = this.#held.shift())
      try {
        next()
      } catch (error) {
        thrown.push(error) // a callback of the application: the others are called all the same
      }
    if (thrown.length > 0) throw thrown.length === 1 ? thrown[0] : new AggregateError(thrown)
  }

  #showEvent(index: number, { value, id }: { readonly value: Value<R>; readonly id: string }): void {
    const part = this.#parts[index]
    if (this.#isOver || part === undefined) return
    part.at = id
    const position = formatPositions(this.#parts.map(({ at }) => at))
    const { result } = value
    const envelope = 'data' in result && typeof result.data === 'object' ? result.data : {}
    const data = { ...envelope, id: formatPartitionId(index, id) }
    this.#given.observer.next({ ...value, result: { ...result, id: position, data } } as Value<R>)
    this.#notifyPosition(position)
  }

  #notifyPosition(position: string): void {
    const listener = this.#given.op.context[positionKey]
    if (typeof listener === 'function') listener(position)
  }

  /** Shows what waits, and then the end. */
  #end(end: () => void): void {
    if (this.#isOver) return
    this.#held.push(() => {
      this.stop()
      end()
    })
    this.#flush()
  }
}

/** The context of an operation with other options. */
function withOptions({ context }: Operation, options: ReturnType<typeof optionsOf>): Operation['context'] {
  return { ...context, ...callContext({ ...optionsOf(context), ...options }) }
}

/** What the server says of partitions, in an error or in a value without an id. */
function saidOf(value: unknown): Said | undefined {
  const { partitions } = Object(value) as { readonly partitions?: Partial<Said> }
  return typeof partitions?.count === 'number' ? (partitions as Said) : undefined
}

/** Whether a cursor is after another one, of another epoch, or the first. */
function isAfter(one: string, other: string | undefined): boolean {
  const [epoch, offset] = one.split(':')
  const [otherEpoch, otherOffset] = other?.split(':') ?? []
  return epoch !== otherEpoch || Number(offset) > Number(otherOffset)
}
