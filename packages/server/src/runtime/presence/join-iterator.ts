import type { SubscriptionDescriptor } from '../../define/subscription.ts'
import { randomName } from '../../ports/clock.ts'
import type { RuntimeContext } from '../context/scope.ts'
import { toSession } from './join.ts'
import { keepPresence } from './renew-lease.ts'
import type { SessionRef } from './rows/update-session.ts'
import { joinSession, leaveSession } from './session.ts'

const renewalShare = 0.375 // of a lease: two fit, so that one may fail

/** Makes whoever iterates where no line serves it present, and keeps the lease until the grace after it was disposed. A process that dies leaves it to the lease. */
export async function holdSession(
  scope: RuntimeContext,
  descriptor: SubscriptionDescriptor,
  signal: AbortSignal,
): Promise<AsyncDisposable> {
  const { topic, presence } = descriptor
  if (presence === undefined) return { async [Symbol.asyncDispose]() {} }
  const { me, leaseMs, graceMs } = presence
  const at = { ref: 1, connectionId: randomName(scope.clock, 20) }
  const sitting = me && toSession(descriptor, at, { member: me.member, entry: at.connectionId })
  const sit = async () => {
    if (sitting === undefined || me === undefined) return
    await joinSession(scope, sitting, { data: me.data, lease: (now) => now + leaseMs })
  }
  await sit()
  const over = new AbortController()
  const end = () => over.abort(null)
  signal.addEventListener('abort', end, { once: true })
  void keep()
  return {
    async [Symbol.asyncDispose]() {
      end()
      if (sitting !== undefined) void leaveLater(sitting)
    },
  }
  /** A reader whose connection was lost reads on in another iteration, which is another session of the same member. */
  async function leaveLater(sat: SessionRef): Promise<void> {
    await scope.clock.sleep(graceMs, undefined, { background: true })
    await leaveSession(scope, sat).catch(() => {}) // the lease ends it
  }
  async function keep(): Promise<void> {
    while (!over.signal.aborted) {
      await scope.clock.sleep(leaseMs * renewalShare, over.signal, { background: true })
      if (over.signal.aborted) return
      await keepOnce().catch(() => {}) // again next time
    }
  }
  /** A lease that ran out while the table could not be reached is taken anew. */
  async function keepOnce(): Promise<void> {
    if ((await keepPresence(scope, { topic, ...at, seat: sitting?.seat })) === 'absent') await sit()
  }
}
