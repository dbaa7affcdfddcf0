import type { PresenceSession, PresenceSessionKey } from '../../../ports/presence.ts'
import type { Subscriber } from '../../../ports/subscribers.ts'
import { reportDelivery } from '../../context/report-delivery.ts'
import type { RuntimeContext } from '../../context/runtime-context.ts'
import { presenceAt } from './find-presence.ts'
import { isOf, type SessionRef, updateSession } from './update-session.ts'

/** The JSON payload of the check that runs after a session lost its socket, at least once. */
export interface PresenceCheck {
  readonly presence: { readonly topic: string; readonly member: string }
}

const checkSlackMs = 1_000 // for clock differences between functions

/** The connection of a row is gone: its session ends after the grace period. */
export async function disconnectRow(
  context: RuntimeContext,
  row: Pick<SessionRef, 'connectionId'> & { readonly topic: string; readonly seat: PresenceSessionKey | undefined },
): Promise<void> {
  const { topic, connectionId, seat: key } = row
  const found = key && presenceAt(context, topic)
  if (found !== undefined && key !== undefined) await disconnectSession(context, { log: found.log, key, connectionId })
}

/**
 * Ends the session of a subscription that the server has ended. Only expires the lease; the check that it invokes
 * appends the leave. This is called during deliveries, which must not append to the log. [TL-PRES-3]
 */
export async function endSession(
  context: RuntimeContext,
  { topic, connectionId, ref, presence }: Pick<Subscriber, 'topic' | 'connectionId' | 'ref' | 'presence'>,
): Promise<void> {
  const found = presenceAt(context, topic)
  const key = presence?.seat
  if (found === undefined || key === undefined) return
  const session = { log: found.log, key, ref, connectionId }
  await invokeCheck(context, { topic, member: key.member }, 0)
  await updateSession(context, session, (mine, now) =>
    isOf(mine, session) ? { ...mine, leaving: true, lease: now } : undefined,
  )
}

/**
 * The socket of a session is gone. The session may come back within the grace period; a delayed check ends it
 * otherwise. Does nothing when another connection already has the session. [TL-PRES-4]
 */
export async function disconnectSession(context: RuntimeContext, session: Omit<SessionRef, 'ref'>): Promise<void> {
  const { log, key, connectionId } = session
  const rules = presenceAt(context, log.topic)?.rules
  if (rules === undefined) return
  const mayLeave = (mine: PresenceSession | undefined): mine is PresenceSession =>
    mine?.connectionId === connectionId && !mine.leaving
  const row = await context.store.readPresence(log.topic, key.member)
  if (!mayLeave(row?.sessions[key.entry])) return
  // Before the write: an unneeded check does no harm, but without a check the member would stay until a sweep.
  await invokeCheck(context, { topic: log.topic, member: key.member }, rules.graceMs)
  await updateSession(context, session, (mine, now) =>
    mayLeave(mine) ? { ...mine, leaving: true, lease: now + rules.graceMs } : undefined,
  )
}

async function invokeCheck(
  context: RuntimeContext,
  presence: PresenceCheck['presence'],
  graceMs: number,
): Promise<void> {
  const check: PresenceCheck = { presence }
  try {
    if (context.invoker?.invokeDelayed === undefined)
      throw new Error('Expected the backend to have an invoker with invokeDelayed, got none. Give it a delay queue.')
    await context.invoker.invokeDelayed(check, { delayMs: Math.min(graceMs + checkSlackMs, 900_000) })
  } catch (thrown) {
    // Reported only: without the check, the sweep of a later sync ends the session.
    reportDelivery(context, undefined, thrown)
  }
}
