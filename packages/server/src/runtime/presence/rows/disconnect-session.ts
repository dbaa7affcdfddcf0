import type { PresenceSeat, PresenceSession } from '../../../ports/presence.ts'
import type { Subscriber } from '../../../ports/store.ts'
import type { RuntimeContext } from '../../context/scope.ts'
import { toTRPCError } from '../../context/to-trpc-error.ts'
import { presenceAt } from './find-presence.ts'
import { isOf, type SessionRef, updateSession } from './update-session.ts'

/** What is run some time after a session lost its socket, at least once. JSON. */
export interface PresenceCheck {
  readonly presence: { readonly topic: string; readonly member: string }
}

const checkSlackMs = 1_000 // functions' clocks differ

/** A connection is gone: its seat is free after the grace. */
export async function disconnectRow(
  scope: RuntimeContext,
  row: Pick<SessionRef, 'connectionId'> & { readonly topic: string; readonly seat: PresenceSeat | undefined },
): Promise<void> {
  const { topic, connectionId, seat } = row
  const found = seat && presenceAt(scope, topic)
  if (found !== undefined && seat !== undefined) await disconnectSession(scope, { log: found.log, seat, connectionId })
}

/** The server has ended a subscription: its seat is over now, and a check says so. What is delivered runs into this, so that the log is left alone here. [TL-PRES-3] */
export async function endSession(
  scope: RuntimeContext,
  { topic, connectionId, ref, presence }: Pick<Subscriber, 'topic' | 'connectionId' | 'ref' | 'presence'>,
): Promise<void> {
  const found = presenceAt(scope, topic)
  const seat = presence?.seat
  if (found === undefined || seat === undefined) return
  const sitting = { log: found.log, seat, ref, connectionId }
  await askForCheck(scope, topic, seat.member, 0)
  await updateSession(scope, sitting, (mine, now) =>
    isOf(mine, sitting) ? { ...mine, leaving: true, lease: now } : undefined,
  )
}

/** The session's socket is gone: it may come back within the grace, and a delayed check ends it. Nothing if another connection has its place already. [TL-PRES-4] */
export async function disconnectSession(scope: RuntimeContext, sitting: Omit<SessionRef, 'ref'>): Promise<void> {
  const { log, seat, connectionId } = sitting
  const rules = presenceAt(scope, log.topic)?.rules
  if (rules === undefined) return
  const mayLeave = (mine: PresenceSession | undefined): mine is PresenceSession =>
    mine?.connectionId === connectionId && !mine.leaving
  const row = await scope.store.readPresence(log.topic, seat.member)
  if (!mayLeave(row?.sessions[seat.entry])) return
  await askForCheck(scope, log.topic, seat.member, rules.graceMs) // first: a check too many does no harm, one too few a ghost
  await updateSession(scope, sitting, (mine, now) =>
    mayLeave(mine) ? { ...mine, leaving: true, lease: now + rules.graceMs } : undefined,
  )
}

async function askForCheck(scope: RuntimeContext, topic: string, member: string, graceMs: number): Promise<void> {
  const check: PresenceCheck = { presence: { topic, member } }
  try {
    if (scope.invoker?.invokeDelayed === undefined) throw new Error('Nothing that delays an invocation is bound.')
    await scope.invoker.invokeDelayed(check, { delayMs: Math.min(graceMs + checkSlackMs, 900_000) })
  } catch (thrown) {
    // Told and not thrown: the sweep of a sync ends it then, later.
    scope.server?.report({ error: toTRPCError(thrown), path: undefined, cause: 'delivery' })
  }
}
