import { type FrameId, limits } from '@trunkline/protocol'
import type { Client } from '../calls/worker-job.ts'
import { noticeAgeing } from '../connections/connect.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { encode, type Frame, toMessages } from '../encoding/encode.ts'
import { deleteConnection, post } from '../posting/post.ts'
import { postOnce } from '../posting/post-once.ts'

/** Values that are added within this time share a message. */
const batchMs = 15
/**
 * After this time without a value `alive` is sent to a client with extensions. The client waits 10 s, so two of these
 * frames may be lost. [TL-GEN-4]
 */
const beatMs = 4_000
const aheadFrames = 256
/** Fewer, since each needs its own post, and a worker posts all of them before it hands over. */
const stockAheadFrames = 32
const aheadBytes = 64 * 1_024
const messageBytes = limits.messageBytes.value - 2 // the brackets around several

interface ValueQueueOptions {
  /** The id of the subscription. */
  readonly id: FrameId
  /** Makes the frame for a time without values. */
  readonly alive: () => Frame
  /** Called when the connection takes no more posts. */
  readonly onGone: () => void
  /** Called before each post. */
  readonly onPost?: () => void
}

/**
 * The queue of a generator's frames, which are posted in order, one message at a time, until it is disposed. It holds
 * encoded frames, so that its bytes are limited and the values can be garbage-collected.
 */
export class ValueQueue implements Disposable {
  readonly #context: InvocationContext
  readonly #client: Client
  readonly #options: ValueQueueOptions
  readonly #waiting: string[] = []
  readonly #listeners = new Set<() => void>()
  #bytes = 0
  #isPosting = false
  #isGone = false
  #isDisposed = false
  #wake = new AbortController()

  constructor(context: InvocationContext, client: Client, options: ValueQueueOptions) {
    this.#context = context
    this.#client = client
    this.#options = options
    void this.#run()
  }

  /**
   * Adds one frame. Resolves when there is room for another one, which limits how far a generator runs ahead of its
   * client.
   */
  async add(frame: Frame): Promise<void> {
    const text = encode(frame)
    this.#waiting.push(text)
    this.#bytes += Buffer.byteLength(text) + 1
    this.#wake.abort(null)
    this.#wake = new AbortController()
    const ahead = this.#client.caller.extensions ? aheadFrames : stockAheadFrames
    await this.#until(() => this.#waiting.length < ahead && this.#bytes < aheadBytes)
  }

  /** Resolves when all frames are posted, or the connection is gone. */
  drain(): Promise<void> {
    return this.#until(() => this.#waiting.length === 0 && !this.#isPosting)
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true
    this.#wake.abort(null)
    this.#notify()
  }

  async #run(): Promise<void> {
    const { clock } = this.#context
    const { caller, expires } = this.#client
    let isNoticed = false
    while (!this.#isDisposed && !this.#isGone) {
      if (this.#waiting.length === 0) await clock.sleep(beatMs, this.#wake.signal)
      if (this.#waiting.length > 0) {
        this.#options.onPost?.()
        await clock.sleep(batchMs)
      }
      if (this.#isDisposed) return
      const frames = this.#takeBatch()
      this.#isPosting = true
      await this.#post(frames.length === 0 && caller.extensions ? [encode(this.#options.alive())] : frames)
      this.#isPosting = false
      if (!isNoticed && !this.#isGone && !caller.extensions) await noticeAgeing(this.#context, { ...caller, expires })
      isNoticed = true
      this.#notify()
    }
  }

  /** Removes the frames that fit one message; a stock client gets one frame per message. */
  #takeBatch(): readonly string[] {
    const { extensions } = this.#client.caller
    const frames: string[] = []
    let size = 0
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const frameBytes = Buffer.byteLength(next) + 1
      if (frames.length > 0 && (!extensions || size + frameBytes > messageBytes)) break
      frames.push(next)
      size += frameBytes
      this.#waiting.shift()
    }
    this.#bytes -= size
    return frames
  }

  async #post(frames: readonly string[]): Promise<void> {
    const { connectionId, extensions } = this.#client.caller
    for (const text of toMessages(frames, { id: this.#options.id, extensions })) {
      const posted = await (extensions ? post : postOnce)(this.#context, connectionId, text)
      if (posted === 'posted') continue
      // [TL-GEN-8] The frame is neither repeated nor left out: the client resumes on a new connection
      // [LAW-STOCK-ORDER].
      if (posted !== 'gone' && !extensions) await deleteConnection(this.#context, connectionId)
      this.#isGone = true // another client sees the missing frame by its number
      return this.#options.onGone()
    }
  }

  /** Resolves when `condition` holds, or nothing is posted any more. */
  #until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (!condition() && !this.#isGone && !this.#isDisposed) return
        this.#listeners.delete(check)
        resolve()
      }
      this.#listeners.add(check)
      check()
    })
  }

  #notify(): void {
    for (const listener of [...this.#listeners]) listener()
  }
}
