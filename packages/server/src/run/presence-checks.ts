import { type PresenceCheck, presenceAt } from './presence-quiet.ts'
import { pruneMember } from './presence-session.ts'
import { toTRPCError } from './reply.ts'
import type { ServedScope } from './scope.ts'

/** Makes the delayed checks of a batch, each alone; gives the messages of those that failed, which come again. */
export async function checkEach(
  scope: ServedScope,
  checks: readonly { readonly message: string; readonly check: PresenceCheck }[],
): Promise<readonly string[]> {
  const failed = checks.map(({ message, check }) =>
    checkPresence(scope, check).then(
      () => [],
      (thrown: unknown) => {
        scope.server.report({ error: toTRPCError(thrown), path: undefined, cause: 'delivery' })
        return [message]
      },
    ),
  )
  return (await Promise.all(failed)).flat()
}

const longestWaitMs = 11_000 // for a clock that runs behind the one that set the lease: two that are 5 s off

/** Ends the sessions of a member that lost their socket and did not come back. Safe to repeat: who came back has another lease. [TL-PRES-4] */
async function checkPresence(scope: ServedScope, { presence: { topic, member } }: PresenceCheck): Promise<void> {
  const found = presenceAt(scope, topic)
  const row = found && (await scope.store.readPresence(topic, member))
  if (found === undefined || row === undefined) return
  const { clock, deadline } = scope
  const left = Object.values(row.sessions).flatMap(({ leaving, lease }) => (leaving ? [lease - clock.now()] : []))
  const wait = Math.max(0, ...left.filter((ms) => ms <= longestWaitMs))
  if (wait > 0) await clock.sleep(wait, deadline.signal)
  await pruneMember(scope, { log: found.log, member }, row.sessions)
}
