import type { InvocationContext } from '../context/runtime-context.ts'
import type { PresenceCheck } from './rows/disconnect-session.ts'
import { presenceAt } from './rows/find-presence.ts'
import { pruneMember } from './session.ts'

/** Waits this long for the end of a lease that a clock ahead of ours has set: each clock may be wrong by 5 s. */
const maxWaitMs = 11_000

/**
 * Ends the sessions of a member that lost their socket and did not come back. Safe to repeat: a session that came back
 * has a new lease. [TL-PRES-4]
 */
export async function checkPresence(
  context: InvocationContext,
  { presence: { topic, member } }: PresenceCheck,
): Promise<void> {
  const found = presenceAt(context, topic)
  const row = found && (await context.store.readPresence(topic, member))
  if (found === undefined || row === undefined) return
  const { clock, deadline } = context
  const remaining = Object.values(row.sessions).flatMap(({ leaving, lease }) => (leaving ? [lease - clock.now()] : []))
  const wait = Math.max(0, ...remaining.filter((ms) => ms <= maxWaitMs))
  if (wait > 0) await clock.sleep(wait, deadline.signal)
  await pruneMember(context, { log: found.log, member }, row.sessions)
}
