import type { Cursor } from '@trunkline/protocol'
import { watchKick } from '../connections/watch-kick.ts'
import type { ConnectionCaller } from '../context/caller.ts'
import { narrowDeadline } from '../context/deadline.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { joinTail, type Tail } from '../subscriptions/tail-poller.ts'
import type { ReadTarget } from './target.ts'

/** How a wait has ended: something may have come, the time is over, or the server has ended the caller's rights. */
export type Waited = 'news' | 'over' | 'kicked'

/** A reader that waits for what follows in a log. Dispose it when its request is answered. */
export interface Follower extends Disposable {
  /** Aborts when the reader must not wait any more. */
  readonly signal: AbortSignal
  readonly isKicked: boolean
  /** Waits for slots after a position at which the log has been read to its end. */
  wait(at: Cursor): Promise<Waited>
}

interface FollowOptions {
  readonly caller: ConnectionCaller
  readonly target: ReadTarget
  readonly ms: number
  /** Aborts when the reader has left. */
  readonly left?: AbortSignal | undefined
}

/**
 * Follows the log of a target for at most `ms` milliseconds, and not beyond the caller's authority. Call it before the
 * log is read [LAW-REGISTER-THEN-READ]. All readers of a process share one poller for a topic. A kick of the caller is
 * noticed within 5 s.
 */
// [TL-READ-8]
export function follow(context: InvocationContext, { caller, target, ms, left }: FollowOptions): Follower {
  const { clock } = context
  const untilExpiry = caller.authExp === undefined ? ms : caller.authExp - clock.now()
  const deadline = narrowDeadline(clock, context.deadline, Math.min(ms, untilExpiry))
  const watch = caller.principal === null ? undefined : watchKick({ ...context, deadline }, caller)
  const over = watch?.signal ?? deadline.signal
  const signal = left === undefined ? over : AbortSignal.any([over, left])
  // The poller outlives this invocation if others read too.
  const tail = joinTail({ ...context, store: context.unboundStore ?? context.store }, target.log)
  return {
    signal,
    get isKicked() {
      return watch?.isKicked === true
    },
    wait: async (at) => ((await hasNews(tail, at, signal)) ? 'news' : watch?.isKicked === true ? 'kicked' : 'over'),
    [Symbol.dispose]() {
      tail[Symbol.dispose]()
      watch?.[Symbol.dispose]()
      deadline[Symbol.dispose]()
    },
  }
}

async function hasNews(tail: Tail, at: Cursor, signal: AbortSignal): Promise<boolean> {
  tail.begin(at)
  while (!signal.aborted) {
    const slots = tail.after(at)
    if (slots === undefined || slots.length > 0) return true
    await tail.changed(signal)
  }
  return false
}
