import type { SubscriptionDescriptor } from '../define/subscription.ts'
import { randomName } from '../ports/clock.ts'
import type { Sitting } from './presence-quiet.ts'
import { leaveSeat, takeSeat } from './presence-session.ts'
import { keepPresence } from './presence-subscribe.ts'
import type { Scope } from './scope.ts'

const renewalShare = 0.375 // of a lease: two fit, so that one may fail

/** Makes whoever iterates where no line serves it present, and keeps the lease until the grace after it was disposed. A process that dies leaves it to the lease. */
export async function holdSeat(
  scope: Scope,
  { topic, channel, presence }: SubscriptionDescriptor,
  signal: AbortSignal,
): Promise<AsyncDisposable> {
  if (presence === undefined) return { async [Symbol.asyncDispose]() {} }
  const { me, leaseMs, graceMs } = presence
  const name = randomName(scope.clock, 20)
  const seat = me && { member: me.member, entry: name }
  const sitting = seat && { log: { topic, retentionMs: channel.retentionMs ?? 0 }, seat, ref: 1, connectionId: name }
  if (sitting !== undefined && me !== undefined)
    await takeSeat(scope, sitting, { data: me.data, lease: (now) => now + leaseMs })
  const over = new AbortController()
  const end = () => over.abort(null)
  signal.addEventListener('abort', end)
  void keep()
  return {
    async [Symbol.asyncDispose]() {
      end()
      if (sitting !== undefined) void leaveLater(sitting)
    },
  }
  /** A reader whose connection was lost reads on in another iteration, which is another session of the same member. */
  async function leaveLater(sat: Sitting): Promise<void> {
    await scope.clock.sleep(graceMs, undefined, { background: true })
    await leaveSeat(scope, sat).catch(() => {}) // the lease ends it
  }
  async function keep(): Promise<void> {
    while (!over.signal.aborted) {
      await scope.clock.sleep(leaseMs * renewalShare, over.signal, { background: true })
      if (over.signal.aborted) return
      await keepPresence(scope, { topic, ref: 1, connectionId: name, seat }).catch(() => {}) // again next time
    }
  }
}
