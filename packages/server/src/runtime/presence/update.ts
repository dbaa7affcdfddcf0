import type { PresenceSessionKey } from '../../ports/presence.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'
import type { LogRef } from '../log/replay.ts'
import { changeMember } from './change-member.ts'
import type { SessionRef } from './rows/update-session.ts'
import { isEntryOf, type SessionOwner } from './session.ts'
import { pagesOf } from './sweep.ts'

/**
 * Sets new data of the calling session in this topic. False when the session has not joined, or no call of a session
 * runs here. [TL-PRES-8]
 */
export async function updatePresence(context: RuntimeContext, log: LogRef, data: string): Promise<boolean> {
  const { caller } = context
  if (caller === undefined) return false
  const rows = await context.store.readSubscriptions(caller.connectionId)
  const own = rows.flatMap(({ on, topic, seat: key }) => (on && topic === log.topic && key !== undefined ? [key] : []))
  const joined = own.length > 0 ? own : await findSessions(context, log, caller)
  const updated = await Promise.all(joined.map((key) => updateData(context, { log, key }, data)))
  return updated.includes(true)
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

/** Searches the rows. After a hand-over or a reconnect a call may arrive before the subscription that joins again. */
async function findSessions(
  context: RuntimeContext,
  { topic }: LogRef,
  owner: SessionOwner,
): Promise<readonly PresenceSessionKey[]> {
  const found: PresenceSessionKey[] = []
  for await (const rows of pagesOf(context, topic))
    for (const { member, sessions } of rows)
      for (const entry of Object.keys(sessions)) if (isEntryOf(entry, owner)) found.push({ member, entry })
  return found
}
