import type { InvocationContext } from '../context/scope.ts'
import type { PresenceCheck } from './rows/disconnect-session.ts'
import { presenceAt } from './rows/find-presence.ts'
import { pruneMember } from './session.ts'

const longestWaitMs = 11_000 // for a clock that runs behind the one that set the lease: two that are 5 s off

/** Ends the sessions of a member that lost their socket and did not come back. Safe to repeat: who came back has another lease. [TL-PRES-4] */
export async function checkPresence(
  scope: InvocationContext,
  { presence: { topic, member } }: PresenceCheck,
): Promise<void> {
  const found = presenceAt(scope, topic)
  const row = found && (await scope.store.readPresence(topic, member))
  if (found === undefined || row === undefined) return
  const { clock, deadline } = scope
  const left = Object.values(row.sessions).flatMap(({ leaving, lease }) => (leaving ? [lease - clock.now()] : []))
  const wait = Math.max(0, ...left.filter((ms) => ms <= longestWaitMs))
  if (wait > 0) await clock.sleep(wait, deadline.signal)
  await pruneMember(scope, { log: found.log, member }, row.sessions)
}
