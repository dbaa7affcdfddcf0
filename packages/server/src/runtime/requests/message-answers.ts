import { limits } from '@trunkline/protocol'
import type { ConnectionCaller } from '../context/caller.ts'
import { createDeadline } from '../context/deadline.ts'
import { mapConcurrent } from '../context/map-concurrent.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { encode, type Frame, idOf, toMessages } from '../encoding/encode.ts'
import { deleteConnection, post } from '../posting/post.ts'
import { isBoundedAnswer, postingAnswer } from '../recipients/current-rows.ts'

/** Milliseconds for answers posted after the frame's deadline: part of the time that a function keeps before its end. */
const graceMs = 400

/** After this many microtasks without a further answer, none is about to come that waits for nothing. */
const quietMicrotasks = 16

/** Sequences that are posted at the same time. */
const postsAtOnce = 8

/** Messages that are posted one after another: one, or the chunks of one answer. */
type Sequence = readonly string[]

/** The sender of a message, and how its answers travel. */
export interface Answered {
  readonly context: InvocationContext
  readonly caller: ConnectionCaller
  /** Whether the last message is returned instead of posted. Asked when all elements are answered. */
  readonly returnsLast: () => boolean
  /** Whether nothing may be sent to the connection any more. */
  readonly isEnded: () => boolean
  /** Runs before answers leave, so that what they report is written. Never throws. */
  readonly beforeSend: () => Promise<void>
}

/**
 * The answers to the elements of one message. Those that are ready at the same time leave together, and those that
 * become ready during a post leave with the next one; none waits for an element that still runs. A stock client gets
 * each frame by itself and at once, since it knows no arrays. An answer with events of a channel with `authorize` leaves
 * at once too: it may not be later than the rights that were checked for it. [LAW-RIGHTS]
 */
// [TL-BATCH-4] [TL-STOCK-1]
export class MessageAnswers {
  readonly #answered: Answered
  #running: number
  #ready: (readonly Frame[])[] = []
  /** The posts that gather answers, while they go on. */
  #gathering: Promise<void> | undefined
  /** The last answer, if it has the time of a push. */
  #bounded: readonly Frame[] = []
  /** The posts of answers that leave by themselves. */
  readonly #alone: Promise<void>[] = []

  constructor(answered: Answered, elements: number) {
    this.#answered = answered
    this.#running = elements
  }

  /** Takes the answer to one element. Does not wait for its post. */
  add(frames: readonly Frame[]): void {
    this.#running -= 1
    const isBounded = isBoundedAnswer(frames)
    if (isBounded && !this.#isLast()) return void this.#alone.push(started(this.#sendAlone(frames)))
    if (isBounded) this.#bounded = frames
    if (frames.length > 0) this.#ready.push(frames)
    if (this.#isLast()) return
    if (!this.#answered.caller.extensions) this.#alone.push(started(this.#sendReady()))
    else this.#gathering ??= started(this.#gatherAndSend())
  }

  /** Sends the rest and waits for all posts. Returns the last message where it is to be returned. */
  async end(): Promise<string | undefined> {
    const { context, returnsLast, isEnded } = this.#answered
    await Promise.all([this.#gathering, ...this.#alone])
    const sequences = await this.#takeReady()
    const last = sequences.at(-1)
    const isReturned = returnsLast() && last !== undefined
    const posted = isReturned ? [...sequences.slice(0, -1), last.slice(0, -1)] : sequences
    await postingAnswer(context, this.#bounded, (narrowed) => this.#post(posted, narrowed))
    return isReturned && !isEnded() ? last.at(-1) : undefined
  }

  #isLast(): boolean {
    return this.#running === 0 && this.#answered.returnsLast()
  }

  async #gatherAndSend(): Promise<void> {
    for (let seen = -1; seen !== this.#ready.length; ) {
      seen = this.#ready.length
      for (let passed = 0; passed < quietMicrotasks; passed++) await undefined
    }
    while (this.#ready.length > 0 && !this.#isLast()) await this.#sendReady()
    this.#gathering = undefined
  }

  async #sendAlone(frames: readonly Frame[]): Promise<void> {
    const { context, caller, beforeSend } = this.#answered
    await postingAnswer(context, frames, async (narrowed) => {
      await beforeSend()
      await this.#post(packAnswers(caller, [frames]), narrowed)
    })
  }

  async #sendReady(): Promise<void> {
    await this.#post(await this.#takeReady())
  }

  async #takeReady(): Promise<readonly Sequence[]> {
    const ready = this.#ready
    this.#ready = []
    await this.#answered.beforeSend()
    return packAnswers(this.#answered.caller, ready)
  }

  async #post(sequences: readonly Sequence[], context = this.#answered.context): Promise<void> {
    const { caller, isEnded } = this.#answered
    await mapConcurrent(sequences, postsAtOnce, async (messages) => {
      if (!isEnded()) await postAll(context, caller, messages)
    })
  }
}

/** The text of an answer of one frame that may be in one message, and needs no time of its own; otherwise undefined. */
export function textOfOneMessage(
  { extensions }: Pick<ConnectionCaller, 'extensions'>,
  frames: readonly Frame[],
): string | undefined {
  const [frame] = frames
  if (frames.length !== 1 || frame === undefined || isBoundedAnswer(frames)) return undefined
  const text = encode(frame)
  return extensions && !isOneMessage(text) ? undefined : text // a stock client knows no chunks
}

/** Whether a text fits one message. A unit of UTF-16 has at most three bytes in UTF-8. */
function isOneMessage(text: string): boolean {
  const most = limits.messageBytes.value
  return text.length * 3 <= most || Buffer.byteLength(text) <= most
}

/** Work that `end` waits for, which throws its error: it is not unhandled until then. */
function started(work: Promise<void>): Promise<void> {
  work.catch(() => {})
  return work
}

/** Packs answers into as few messages as they fit in, in their order; each frame of a stock client is one. */
export function packAnswers(
  { extensions }: Pick<ConnectionCaller, 'extensions'>,
  answers: readonly (readonly Frame[])[],
): readonly Sequence[] {
  if (!extensions) return answers.map((frames) => frames.map(encode))
  const sequences: Sequence[] = []
  let packed: string[] = []
  let bytes = 1 // of the brackets and commas, and of the frames between them
  const close = () => {
    if (packed.length > 0) sequences.push(toMessages(packed, { id: null, extensions }))
    packed = []
    bytes = 1
  }
  for (const frames of answers) {
    const texts = frames.map(encode)
    const size = texts.reduce((sum, text) => sum + Buffer.byteLength(text) + 1, 0)
    if (bytes + size > limits.messageBytes.value) close()
    if (1 + size > limits.messageBytes.value) sequences.push(toMessages(texts, { id: idOf(frames[0]), extensions }))
    else {
      packed.push(...texts)
      bytes += size
    }
  }
  close()
  return sequences
}

/**
 * Posts texts in order. A stock client neither misses nor orders an answer, so where a post fails its connection is
 * deleted, and it resumes with a new one. [LAW-STOCK-ORDER] Our client asks again after its own deadline.
 */
export async function postAll(
  context: InvocationContext,
  caller: ConnectionCaller,
  messages: readonly string[],
): Promise<void> {
  for (const text of messages) {
    using grace = createDeadline(context.clock, graceMs)
    const late = context.deadline.isPassed ? { ...context, deadline: grace } : context
    const posted = await post(late, caller.connectionId, text)
    if (posted === 'posted') continue
    if (posted !== 'gone' && !caller.extensions)
      await deleteConnection({ ...context, deadline: grace }, caller.connectionId)
    return
  }
}
