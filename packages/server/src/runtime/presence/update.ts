import { presenceLimits } from '../../define/presence.ts'
import type { PresenceSessionKey } from '../../ports/presence.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'
import type { LogRef } from '../log/replay.ts'
import { countPublished } from '../rates/count-published.ts'
import { changeMember } from './change-member.ts'
import type { SessionRef } from './rows/update-session.ts'
import { entryPrefixOf } from './session.ts'

/**
 * Sets new data of the calling session in this topic. False when the session has not joined, or no call of a session
 * runs here. The session is found by one read, also when a call arrives on a new connection before the subscription
 * that joins again. [TL-PRES-8]
 */
export async function updatePresence(context: RuntimeContext, log: LogRef, data: string): Promise<boolean> {
  const { caller } = context
  if (caller === undefined) return false
  const { topic } = log
  const found = await context.store.readPresenceSessions(topic, entryPrefixOf(caller), presenceLimits.sessions)
  const sessions = found.length === 0 && caller.namesSessions !== true ? await olderSessions(context, topic) : found
  if (sessions.length > 0) await countPublished(context, data)
  const updated = await Promise.all(
    sessions.map(({ member, entry }) => updateData(context, { log, key: { member, entry } }, data)),
  )
  return updated.includes(true)
}

/**
 * The sessions that a connection of an older deployment has joined: they have no row of their own until they join
 * again. Such a connection lasts two hours at most, so the next version can leave this out.
 */
async function olderSessions({ store, caller }: RuntimeContext, topic: string): Promise<readonly PresenceSessionKey[]> {
  const rows = caller === undefined ? [] : await store.readSubscriptions(caller.connectionId)
  return rows.flatMap(({ on, topic: of, seat: key }) => (on && of === topic && key !== undefined ? [key] : []))
}

async function updateData(
  context: RuntimeContext,
  { log, key: { member, entry } }: Pick<SessionRef, 'log' | 'key'>,
  data: string,
): Promise<boolean> {
  let isPresent = false // the row may still hold a session whose lease has expired
  await changeMember(context, { log, member }, (sessions, { v }) => {
    const mine = sessions[entry]
    isPresent = mine !== undefined
    return mine && { ...sessions, [entry]: { ...mine, data, since: v } }
  })
  return isPresent
}
