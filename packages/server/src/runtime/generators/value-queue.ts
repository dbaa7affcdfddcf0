import { limits } from '@trunkline/protocol'
import type { Client } from '../calls/worker-job.ts'
import { noticeAgeing } from '../connections/reconnect-notice.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { toMessages } from '../encoding/pack-messages.ts'
import { deleteConnection, post } from '../posting/post.ts'
import { postOnce } from '../posting/post-once.ts'

/** The queue of a generator's frames, which are posted in order, one message at a time. */
export interface ValuePosts extends Disposable {
  /**
   * Adds one frame. Resolves when there is room for another one, which limits how far a generator runs ahead of its
   * client.
   */
  add(frame: string): Promise<void>
  /** Resolves when all frames are posted, or the connection is gone. */
  drain(): Promise<void>
}

/** Values that are added within this time share a message. */
const batchMs = 15
/**
 * After this time without a value `alive` is sent to a client with extensions. The client waits 10 s, so two of these
 * frames may be lost. [TL-GEN-4]
 */
export const beatMs = 4_000
const aheadFrames = 256
/** Fewer, since each needs its own post, and a worker posts all of them before it hands over. */
const stockAheadFrames = 32
const aheadBytes = 64 * 1_024
const messageBytes = limits.messageBytes.value - 2 // the brackets around several

interface ValuePostsOptions {
  readonly alive: () => string
  readonly onGone: () => void
  readonly onPost?: () => void
}

/**
 * Posts frames until disposed. `alive` makes the frame for a time without values. `onGone` is called when the
 * connection takes no more posts, `onPost` before each post.
 */
export function createValuePosts(
  scope: InvocationContext,
  client: Client,
  { alive, onGone, onPost }: ValuePostsOptions,
): ValuePosts {
  const { caller } = client
  const ahead = caller.extensions ? aheadFrames : stockAheadFrames
  const waiting: string[] = []
  const listeners = new Set<() => void>()
  let bytes = 0
  let busy = false
  let gone = false
  let disposed = false
  let wake = new AbortController()

  const notify = () => {
    for (const listener of [...listeners]) listener()
  }
  const until = (condition: () => boolean) =>
    new Promise<void>((resolve) => {
      const check = () => {
        if (!condition() && !gone && !disposed) return
        listeners.delete(check)
        resolve()
      }
      listeners.add(check)
      check()
    })
  /** Removes the frames that fit one message; a stock client gets one frame per message. */
  function takeBatch(): readonly string[] {
    const frames: string[] = []
    let size = 0
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      const frameBytes = Buffer.byteLength(next) + 1
      if (frames.length > 0 && (!caller.extensions || size + frameBytes > messageBytes)) break
      frames.push(next)
      size += frameBytes
      waiting.shift()
    }
    bytes -= size
    return frames
  }
  async function send(frames: readonly string[]): Promise<void> {
    for (const text of toMessages(frames, caller.extensions)) {
      const { connectionId, extensions } = caller
      const posted = await (extensions ? post : postOnce)(scope, connectionId, text)
      if (posted === 'posted') continue
      // [TL-GEN-8] The frame is neither repeated nor left out: the client resumes on a new connection
      // [LAW-STOCK-ORDER].
      if (posted !== 'gone' && !extensions) await deleteConnection(scope, connectionId)
      gone = true // another client sees the missing frame by its number
      return onGone()
    }
  }
  async function run(): Promise<void> {
    let noticed = false
    while (!disposed && !gone) {
      if (waiting.length === 0) await scope.clock.sleep(beatMs, wake.signal)
      if (waiting.length > 0) {
        onPost?.()
        await scope.clock.sleep(batchMs)
      }
      if (disposed) return
      const frames = takeBatch()
      busy = true
      await send(frames.length === 0 && caller.extensions ? [alive()] : frames)
      busy = false
      if (!noticed && !gone && !caller.extensions) await noticeAgeing(scope, { ...caller, expires: client.expires })
      noticed = true
      notify()
    }
  }
  void run()
  return {
    async add(frame) {
      waiting.push(frame)
      bytes += Buffer.byteLength(frame) + 1
      wake.abort(null)
      wake = new AbortController()
      await until(() => waiting.length < ahead && bytes < aheadBytes)
    },
    drain: () => until(() => waiting.length === 0 && !busy),
    [Symbol.dispose]() {
      disposed = true
      wake.abort(null)
      notify()
    },
  }
}
