import type { SubscriptionDescriptor } from '../../define/subscription.ts'
import { randomName } from '../../ports/clock.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'
import { toSession } from './join.ts'
import { keepPresence } from './renew-lease.ts'
import type { SessionRef } from './rows/update-session.ts'
import { joinSession, removeSession } from './session.ts'

/** The share of a lease after which it is renewed: two renewals fit, so that one may fail. */
const renewalShare = 0.375

/**
 * Makes an iterator outside of a line's functions present. Renews the lease until the grace period after the iterator
 * was disposed. If the process dies, the lease expires.
 */
export async function holdSession(
  context: RuntimeContext,
  descriptor: SubscriptionDescriptor,
  signal: AbortSignal,
): Promise<AsyncDisposable> {
  const { topic, presence } = descriptor
  if (presence === undefined) return { async [Symbol.asyncDispose]() {} }
  const { me, leaseMs, graceMs } = presence
  const attempt = { ref: 1, connectionId: randomName(context.clock, 20) }
  const session = me && toSession(descriptor, attempt, { member: me.member, entry: attempt.connectionId })
  const join = async () => {
    if (session === undefined || me === undefined) return
    await joinSession(context, session, { data: me.data, lease: (now) => now + leaseMs })
  }
  await join()
  const ended = new AbortController()
  const end = () => ended.abort(null)
  signal.addEventListener('abort', end, { once: true })
  void renewUntilEnded()
  return {
    async [Symbol.asyncDispose]() {
      end()
      if (session !== undefined) void leaveAfterGrace(session)
    },
  }
  /** A reader that reconnects starts another iterator, which is another session of the same member. */
  async function leaveAfterGrace(left: SessionRef): Promise<void> {
    await context.clock.sleep(graceMs, undefined, { background: true })
    await removeSession(context, left).catch(() => {}) // else the lease expires
  }
  async function renewUntilEnded(): Promise<void> {
    while (!ended.signal.aborted) {
      await context.clock.sleep(leaseMs * renewalShare, ended.signal, { background: true })
      if (ended.signal.aborted) return
      await renew().catch(() => {}) // the next renewal may succeed
    }
  }
  /** Joins anew when the lease expired while the store was unreachable. */
  async function renew(): Promise<void> {
    if ((await keepPresence(context, { topic, ...attempt, seat: session?.key })) === 'absent') await join()
  }
}
