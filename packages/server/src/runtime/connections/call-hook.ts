import type { ConnectionInfo } from '../../define/identity.ts'
import { narrowDeadline, withinDeadline } from '../context/deadline.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { stackOf } from '../context/stack-of.ts'

/** How long an event of a connection waits for the application's hook. */
const hookMs = 2_000

/**
 * Calls `onConnect` or `onDisconnect` of the application, and waits for it for at most 2 s. Logs what it throws, and
 * that it takes longer. Never throws: a hook decides nothing.
 */
export async function callHook<Info extends ConnectionInfo>(
  context: InvocationContext,
  name: 'onConnect' | 'onDisconnect',
  info: Info,
): Promise<void> {
  const hook = context.server[name] as ((info: Info) => unknown) | undefined // each has the info of its own name
  if (hook === undefined) return
  using deadline = narrowDeadline(context.clock, context.deadline, hookMs)
  try {
    await withinDeadline(
      deadline,
      context.enter(context, async () => hook(info)),
    )
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown))
    const message = deadline.isPassed ? `\`${name}\` took longer than 2 s.` : `\`${name}\` threw.`
    const { connectionId, sessionId, principal } = info
    const facts = { connectionId, sessionId, principal, error: error.message, stack: stackOf(error) }
    context.telemetry.log({ level: 'ERROR', message, facts })
  }
}
