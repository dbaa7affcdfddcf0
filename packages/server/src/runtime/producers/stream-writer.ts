import { limits } from '@trunkline/protocol'
import type { Outcome } from '../../define/stream-rules.ts'
import type { Slot } from '../../ports/log.ts'
import { StoreError } from '../../ports/store.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { deliverOwn } from '../delivery/deliver.ts'
import type { StreamWrite } from '../streams/state.ts'
import { evidenceOf, headOf, makeSlot, putMade, type StreamHead, type StreamRef } from '../streams/stream-log.ts'

/** The claim of a producer: its name, and the slots up to it that are delivered with its first chunks. */
export interface Claim {
  readonly by: string
  readonly head: StreamHead
  readonly slots: readonly Slot[]
}

/** Without a put for this long the producer reads the next slot, to find out whether it was replaced or stopped. */
const lookMs = 750
/** Without a put for this long it records that it lives. */
const silenceMs = 15_000
const minuteMs = 60_000
const daySeconds = 24 * 3_600
/** The pauses between the tries of a put whose fate is unknown. */
const retryMs = { first: 100, most: 3_000 }

/** The largest chunk as JSON: a slot holds a list of chunks. */
export const chunkBytes = limits.eventBytes.value - 2

/**
 * Writes the chunks of one claim into the log, in batches, one put at a time. A batch is sealed before its first put:
 * repeated after a lost answer it is the same slot, so it stands once. When the log shows that the claim no longer
 * holds, `signal` aborts, and nothing more is written. A batch is delivered once it is known to stand. Dispose it when
 * the work is done.
 */
// [LAW-STREAM]
export class StreamWriter implements Disposable {
  readonly #context: InvocationContext
  readonly #ref: StreamRef
  readonly #by: string
  readonly #schema: string | undefined
  #head: StreamHead
  #waiting: string[] = []
  #bytes = 0
  #firstAt = 0
  #batches = 0
  #isFlushing = false
  #pumping: Promise<void> | undefined
  #isPutting = false
  #putAt: number
  #signedAt: number
  #minute = { from: 0, bytes: 0 }
  #undelivered: Slot[]
  #delivering: Promise<void> | undefined
  readonly #over = new AbortController()
  readonly #done = new AbortController()
  #wake = new AbortController()

  constructor(context: InvocationContext, ref: StreamRef, claim: Claim & { readonly schema: string | undefined }) {
    this.#context = context
    this.#ref = ref
    this.#by = claim.by
    this.#head = claim.head
    this.#schema = claim.schema
    this.#undelivered = [...claim.slots]
    this.#putAt = this.#signedAt = context.clock.now()
    this.#minute.from = this.#putAt
    void this.#watch()
  }

  /** Aborts when the claim no longer holds, or the table does not exist any more. */
  get signal(): AbortSignal {
    return this.#over.signal
  }

  /** Whether the log shows that the stream has ended. */
  get isClosed(): boolean {
    return this.#head.state?.at === 'closed'
  }

  /** Adds a chunk (JSON text). Resolves when the producer may continue. */
  async add(chunk: string): Promise<void> {
    const bytes = Buffer.byteLength(chunk) + 1
    if (this.#waiting.length === 0) this.#firstAt = this.#context.clock.now()
    this.#waiting.push(chunk)
    this.#bytes += bytes
    if (this.#isFull()) this.#wakeUp()
    this.#pumping ??= this.#pump().catch((thrown: unknown) => this.#over.abort(thrown)) // the reason is thrown later
    await this.#limitRate(bytes)
    while (this.#isFull() && this.#pumping !== undefined) await this.#pumping
  }

  /** Puts and delivers what was added. False when the claim no longer holds. */
  async flush(): Promise<boolean> {
    this.#isFlushing = true
    this.#wakeUp()
    while (this.#pumping !== undefined) await this.#pumping
    return !this.signal.aborted
  }

  /** Puts the last slot of this claim. False when the claim no longer holds. */
  async end(write: 'yield' | Outcome): Promise<boolean> {
    const by = this.#by
    if (!(await this.flush())) return false
    if (write === 'yield') await this.#put({ kind: 'yield', by }, { publishId: `${by}:y` })
    else await this.#put({ kind: 'close', by, outcome: write }, { publishId: `${by}:c` })
    this.#done.abort(null)
    return !this.signal.aborted
  }

  /** Resolves when the slots that stand are delivered. Never rejects. */
  async delivered(): Promise<void> {
    while (this.#delivering !== undefined) await this.#delivering
  }

  [Symbol.dispose](): void {
    this.#done.abort(null)
    this.#wakeUp()
  }

  #isFull(): boolean {
    return this.#bytes >= this.#ref.rules.batchBytes
  }

  #wakeUp(): void {
    this.#wake.abort(null)
    this.#wake = new AbortController()
  }

  /** A producer that adds too much within a minute waits for the rest of it. */
  async #limitRate(bytes: number): Promise<void> {
    const { clock } = this.#context
    const minute = this.#minute
    if (clock.now() - minute.from >= minuteMs) this.#minute = { from: clock.now(), bytes }
    else minute.bytes += bytes
    if (this.#minute.bytes <= this.#ref.rules.bytesPerMinute) return
    const ended = AbortSignal.any([this.signal, this.#done.signal])
    await clock.sleep(this.#minute.from + minuteMs - clock.now(), ended)
    this.#minute = { from: clock.now(), bytes: 0 }
  }

  /** Puts batch after batch until nothing waits. */
  async #pump(): Promise<void> {
    try {
      await this.#putWaiting()
    } finally {
      this.#pumping = undefined
    }
  }

  async #putWaiting(): Promise<void> {
    const { clock } = this.#context
    while (this.#waiting.length > 0 && !this.signal.aborted) {
      const pauseMs = this.#firstAt + this.#ref.rules.batchMs - clock.now()
      if (pauseMs > 0 && !this.#isFull() && !this.#isFlushing) await clock.sleep(pauseMs, this.#wake.signal)
      if (this.#done.signal.aborted) break
      const chunks = this.#seal()
      const by = this.#by
      this.#batches += 1
      const slot = { publishId: `${by}:${this.#batches}`, data: `[${chunks.join(',')}]` }
      await this.#put({ kind: 'chunks', by, count: chunks.length }, slot)
    }
    if (this.signal.aborted) [this.#waiting, this.#bytes] = [[], 0]
  }

  /** Takes the chunks of one slot, at least one. */
  #seal(): readonly string[] {
    let bytes = 0
    const end = this.#waiting.findIndex((chunk, index) => {
      bytes += Buffer.byteLength(chunk) + 1
      return index > 0 && bytes > this.#ref.rules.batchBytes
    })
    const sealed = this.#waiting.splice(0, end === -1 ? this.#waiting.length : end)
    this.#bytes -= sealed.reduce((sum, chunk) => sum + Buffer.byteLength(chunk) + 1, 0)
    return sealed
  }

  /** Puts a slot until it stands or the claim no longer holds. Throws at the deadline. */
  async #put(write: StreamWrite, slot: { readonly publishId: string; readonly data?: string }): Promise<void> {
    this.#isPutting = true
    try {
      let made = await this.#make(write, slot)
      for (let failures = 0; made !== undefined; ) {
        const put = await putMade(this.#context, this.#ref, made).catch((thrown: unknown) => thrown)
        if (!isPut(put)) {
          if (!(await this.#mayRepeat(put, failures))) return
          failures += 1
          continue
        }
        this.#head = put.head
        this.#putAt = this.#signedAt = this.#context.clock.now()
        if (put.status === 'put') return this.#onStanding(made)
        made = await this.#make(write, slot) // another slot stands there: undefined unless it left the stream as it was
      }
      this.#over.abort(null)
    } finally {
      this.#isPutting = false
    }
  }

  async #make(write: StreamWrite, slot: { readonly publishId: string; readonly data?: string }) {
    const [context, head] = [this.#context, this.#head]
    const evidence = await evidenceOf(context, this.#ref.topic, head, Number.POSITIVE_INFINITY)
    const schema = slot.data === undefined || this.#schema === undefined ? {} : { schema: this.#schema }
    return makeSlot(context, this.#ref, { head, evidence, slot: { write, ...slot, ...schema } })
  }

  /** Whether a put that failed is repeated, after a pause. */
  async #mayRepeat(thrown: unknown, failures: number): Promise<boolean> {
    const { clock, deadline } = this.#context
    deadline.throwIfPassed()
    if (!(thrown instanceof StoreError)) throw thrown
    if (thrown.refused !== undefined) {
      this.#over.abort(thrown)
      return false
    }
    const ended = AbortSignal.any([deadline.signal, this.#done.signal])
    await clock.sleep(Math.min(retryMs.most, retryMs.first * 2 ** failures), ended)
    deadline.throwIfPassed()
    return !this.#done.signal.aborted
  }

  #onStanding(slot: Slot): void {
    if (slot.data === undefined) return // the table's stream delivers it
    if (this.#context.gateway === undefined) return // readers miss it before the next slot, and fetch it
    this.#undelivered.push(slot)
    this.#delivering ??= this.#deliver()
  }

  /** Delivers the slots that stand, together with those that come meanwhile. */
  async #deliver(): Promise<void> {
    while (this.#undelivered.length > 0) await deliverOwn(this.#context, this.#ref.topic, this.#undelivered.splice(0))
    this.#delivering = undefined
  }

  /** Looks at the log while nothing is put, and records that the producer lives. */
  async #watch(): Promise<void> {
    const { clock } = this.#context
    const ended = AbortSignal.any([this.#done.signal, this.signal])
    for (let lookedAt = 0; !ended.aborted; ) {
      await clock.sleep(Math.max(this.#putAt, lookedAt) + lookMs - clock.now(), ended)
      if (ended.aborted) return
      if (clock.now() - this.#putAt < lookMs) continue
      lookedAt = clock.now()
      try {
        if (!this.#isPutting) await this.#look(ended)
        if (clock.now() - this.#signedAt >= silenceMs && !ended.aborted) await this.#sign()
      } catch {
        // The next look tries again. A producer that cannot reach the table lapses, and another one takes over.
      }
    }
  }

  async #look(ended: AbortSignal): Promise<void> {
    const { offset } = this.#head
    const [next] = (await this.#context.store.readSlots(this.#ref.topic, offset, 1)).slots
    if (next === undefined || ended.aborted || this.#isPutting || this.#head.offset !== offset) return
    if (next.publishId.startsWith(`${this.#by}:`)) return
    const head = await headOf(this.#context, this.#ref.topic, next)
    this.#head = head
    if (head.state?.at !== 'running' || head.state.by !== this.#by) this.#over.abort(null)
  }

  async #sign(): Promise<void> {
    const alive = this.#context.clock.now()
    const expires = Math.ceil(alive / 1_000) + 2 * daySeconds
    await this.#context.store.putStreamSign({ topic: this.#ref.topic, claim: this.#by, alive, expires })
    this.#signedAt = alive
  }
}

function isPut(value: unknown): value is Awaited<ReturnType<typeof putMade>> {
  return typeof value === 'object' && value !== null && 'status' in value && 'head' in value
}
