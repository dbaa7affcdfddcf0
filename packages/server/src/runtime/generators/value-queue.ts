import { limits } from '@trunkline/protocol'
import type { Client } from '../calls/worker-job.ts'
import { noticeAgeing } from '../connections/reconnect-notice.ts'
import type { InvocationContext } from '../context/scope.ts'
import { toMessages } from '../encoding/pack-messages.ts'
import { deleteConnection, post } from '../posting/post.ts'
import { postOnce } from '../posting/post-once.ts'

/** What a worker pushes of one generator, in order, one message at a time. */
export interface ValuePosts extends Disposable {
  /** Takes one frame. Resolves when there is room for another: a generator runs no further ahead of its client. */
  add(frame: string): Promise<void>
  /** Resolves when all that was added is posted, or nobody is left to post it to. */
  drain(): Promise<void>
}

/** Values that come within it go in one message. */
const gatherMs = 15
/** After so long without a value a client of ours is told that the generator lives. It takes 10 s of silence for a loss, so two may go astray. [TL-GEN-4] */
export const beatMs = 4_000
const aheadFrames = 256
const stockAheadFrames = 32 // one post each: a function that runs out of time posts them all before it hands over
const aheadBytes = 64 * 1_024
const messageBytes = limits.messageBytes.value - 2 // the brackets around several

interface ValuePostsOptions {
  readonly alive: () => string
  readonly onGone: () => void
  readonly onGather?: () => void
}

/** Posts what is added until disposed. `alive` makes the frame for a silence; `onGone` is called when nothing can be posted any more, `onGather` before each post. */
export function createValuePosts(
  scope: InvocationContext,
  client: Client,
  { alive, onGone, onGather }: ValuePostsOptions,
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

  const tell = () => {
    for (const listener of [...listeners]) listener()
  }
  const until = (isSo: () => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!isSo() && !gone && !disposed) return
        listeners.delete(look)
        resolve()
      }
      listeners.add(look)
      look()
    })
  /** What fits one message; a stock client knows no arrays. */
  function takeBatch(): readonly string[] {
    const frames: string[] = []
    let size = 0
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      const more = Buffer.byteLength(next) + 1
      if (frames.length > 0 && (!caller.extensions || size + more > messageBytes)) break
      frames.push(next)
      size += more
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
      // [TL-GEN-8] neither again nor left out: its own resume repairs [LAW-STOCK-ORDER]
      if (posted !== 'gone' && !extensions) await deleteConnection(scope, connectionId)
      gone = true // what was not delivered leaves a hole that its client sees
      return onGone()
    }
  }
  async function run(): Promise<void> {
    let noticed = false
    while (!disposed && !gone) {
      if (waiting.length === 0) await scope.clock.sleep(beatMs, wake.signal)
      if (waiting.length > 0) {
        onGather?.()
        await scope.clock.sleep(gatherMs)
      }
      if (disposed) return
      const frames = takeBatch()
      busy = true
      await send(frames.length === 0 && caller.extensions ? [alive()] : frames)
      busy = false
      if (!noticed && !gone && !caller.extensions) await noticeAgeing(scope, { ...caller, expires: client.expires })
      noticed = true
      tell()
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
      tell()
    },
  }
}
