import { limits } from '@trunkline/protocol'
import { randomName } from '../../ports/clock.ts'
import type { CountName } from '../../ports/connections.ts'
import { type Store, StoreError } from '../../ports/store.ts'
import { createDeadline, withinDeadline } from './deadline.ts'
import type { InvocationContext, RuntimeContext } from './runtime-context.ts'
import { TrunklineError } from './trunkline-error.ts'

const maxUnknownStops = limits.unknownStops.value

/** When a refused subscribe is worth another try: a place that was taken and is not used is given back by then. */
const retryAfterMs = 3_000

/** Places that one write takes for frames of the message that do not need theirs yet. A function that dies leaves them. */
const takenAhead = 8
/** Milliseconds to give places back after the deadline: part of the time that a function keeps before its end. */
const graceMs = 80
const markLength = 12
/** Tries to take as many places as are left. A try fails only if another message has taken some of them. */
const maxTries = 3

type CountContext = Pick<RuntimeContext, 'store' | 'unboundStore' | 'clock' | 'deadline'>

/** A connection, and when its rows expire, in epoch seconds. */
interface Counted {
  readonly connectionId: string
  readonly expires: number
}

/**
 * One count of a connection, as the frames of one message change it. A place is taken before its row is written, and
 * given back when the row turns out to be counted already, or ends [LAW-COUNT-FIRST]. So a function that dies leaves the
 * count too high and never too low. One write takes the places of several frames. Those that were given back are used by
 * other frames of the message, or written by `settle`.
 */
export class ConnectionCount {
  readonly #context: CountContext
  readonly #connection: Counted
  readonly #name: CountName
  readonly #max: number
  /** Places that are counted and that no frame uses. */
  #spare = 0
  /** Frames that wait for a place. */
  #waiting = 0
  /** Frames of the message that may need a place later. */
  #expected: number
  #isFull = false
  #taking: Promise<void> | undefined

  constructor(
    context: CountContext,
    connection: Counted,
    { name, max, expected = 0 }: { readonly name: CountName; readonly max: number; readonly expected?: number },
  ) {
    this.#context = context
    this.#connection = connection
    this.#name = name
    this.#max = max
    this.#expected = expected
  }

  /** Whether a place was taken: false if the connection has as many as it may. */
  async take(): Promise<boolean> {
    this.#waiting += 1
    this.#expected = Math.max(0, this.#expected - 1)
    try {
      while (this.#spare === 0 && !this.#isFull) {
        this.#taking ??= this.#takeMore()
        await this.#taking
      }
      if (this.#spare === 0) return false
      this.#spare -= 1
      return true
    } finally {
      this.#waiting -= 1
    }
  }

  /** Gives a place back, or that of a row that has ended. Nothing is written before `settle`. */
  give(): void {
    this.#spare += 1
  }

  /** No further frame of the message needs a place. */
  expectNone(): void {
    this.#expected = 0
  }

  /**
   * Writes what was given back and no other frame may need, so that the next message finds the places. Never throws:
   * places whose write failed stay counted, and end with the connection.
   */
  async settle(): Promise<void> {
    const unused = this.#spare - this.#waiting - this.#expected
    if (unused <= 0) return
    this.#spare -= unused
    await this.#giveBack(unused).catch(() => {})
  }

  /** Also after the deadline, as when a procedure of the message took too long. */
  async #giveBack(unused: number): Promise<void> {
    const { deadline, unboundStore, clock } = this.#context
    using grace = deadline?.isPassed && unboundStore ? createDeadline(clock, graceMs) : undefined
    const write = this.#add(-unused, grace && unboundStore)
    await (grace === undefined ? write : withinDeadline(grace, write))
  }

  async #takeMore(): Promise<void> {
    try {
      const ahead = Math.min(Math.max(0, takenAhead - this.#waiting), this.#expected)
      let wanted = Math.min(this.#waiting + ahead, this.#max)
      for (let tries = 1; tries <= maxTries; tries++) {
        const { status, count } = await this.#add(wanted)
        if (status === 'added') {
          this.#spare += wanted
          return
        }
        wanted = Math.min(wanted, this.#max - count)
        if (wanted <= 0) break
      }
      this.#isFull = true
    } finally {
      this.#taking = undefined
    }
  }

  #add(add: number, store: Store = this.#context.store) {
    const { connectionId, expires } = this.#connection
    const mark = randomName(this.#context.clock, markLength)
    return store.addToCount(connectionId, { name: this.#name, add, max: this.#max, mark, expires })
  }
}

/** The counts of the connection that sent a message. */
export interface MessageCounts {
  /** Its live subscriptions. */
  readonly subscriptions: ConnectionCount
  /** The rows that stops and cancels of unknown ids have put. */
  readonly unknownStops: ConnectionCount
  /** All frames of the message have run. */
  expectNone(): void
  /** Writes what the frames of the message gave back and no other one of them may need. Never throws. */
  settle(): Promise<void>
}

/** The counts for a message of so many subscribes. Nothing is read or written before a frame needs a place. */
export function messageCounts(context: InvocationContext, connection: Counted, subscribes: number): MessageCounts {
  const most = { max: context.server.maxSubscriptions, expected: subscribes }
  const subscriptions = new ConnectionCount(context, connection, { name: 'subscriptions', ...most })
  const unknownStops = new ConnectionCount(context, connection, { name: 'unknownStops', max: maxUnknownStops })
  return {
    subscriptions,
    unknownStops,
    expectNone: () => subscriptions.expectNone(),
    async settle() {
      await Promise.all([subscriptions.settle(), unknownStops.settle()])
    },
  }
}

/** The places of subscriptions of one connection that the server ends: `give` each, then `settle` them by one write. */
export function freedSubscriptions(context: RuntimeContext, connection: Counted): ConnectionCount {
  return new ConnectionCount(context, connection, { name: 'subscriptions', max: 0 })
}

type Stop = Parameters<RuntimeContext['store']['stopSubscription']>[0]

/**
 * Stops a row of the connection, and puts it if none exists, as long as the connection may have another one: `absent`
 * beyond that, and nothing is written. A row that exists is not counted, and costs one write.
 */
export async function stopRow(
  { store }: Pick<RuntimeContext, 'store'>,
  { unknownStops }: MessageCounts,
  stop: Stop,
): ReturnType<RuntimeContext['store']['stopSubscription']> {
  const known = await store.stopSubscription({ ...stop, ifExists: true })
  if (known.status !== 'absent' || !(await unknownStops.take())) return known
  try {
    return await store.stopSubscription(stop)
  } catch (thrown) {
    if (surelyFailed(thrown)) unknownStops.give()
    throw thrown
  }
}

/** Whether the write that threw this surely did not happen. */
export function surelyFailed(thrown: unknown): boolean {
  return thrown instanceof StoreError && !thrown.mayHaveHappened
}

/** [TL-SUB-17] The error of a subscribe on a connection that has as many subscriptions as it may. */
export function tooManySubscriptions({ server }: InvocationContext): TrunklineError {
  const message =
    `Expected at most ${server.maxSubscriptions} live subscriptions of one connection (maxSubscriptions), ` +
    'and as many are live now. Stop one of them, then subscribe again.'
  return new TrunklineError('RATE_LIMITED', message, { retryAfterMs })
}

/** [TL-STOP-5] The error of a stop or a cancel of an unknown id beyond the bound. */
export function tooManyUnknownStops(what: 'subscription' | 'call'): TrunklineError {
  const message =
    `Expected at most ${maxUnknownStops} stops and cancels of unknown ids on one connection, and as many came before ` +
    `this one, which ends nothing. Name the id of a ${what} that was sent on this connection, or open another one.`
  return new TrunklineError('RATE_LIMITED', message, { retry: 'never' })
}
