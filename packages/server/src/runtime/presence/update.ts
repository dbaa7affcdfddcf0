import type { PresenceSeat } from '../../ports/presence.ts'
import type { RuntimeContext } from '../context/scope.ts'
import type { LogRef } from '../log/replay.ts'
import { changeMember } from './change-member.ts'
import { isEntryOf } from './session.ts'
import { pagesOf } from './sweep.ts'

/** Gives the session whose call runs here new data in this topic. False when it has not joined, or no call of a session runs here. [TL-PRES-8] */
export async function updatePresence(scope: RuntimeContext, log: LogRef, data: string): Promise<boolean> {
  const { caller } = scope
  if (caller === undefined) return false
  const rows = await scope.store.readSubscriptions(caller.connectionId)
  const own = rows.flatMap(({ on, topic, seat }) => (on && topic === log.topic && seat !== undefined ? [seat] : []))
  const seats = own.length > 0 ? own : await seatsOfSession(scope, log, caller.session)
  const updated = await Promise.all(seats.map((seat) => updateSeat(scope, log, seat, data)))
  return updated.includes(true)
}

async function updateSeat(
  scope: RuntimeContext,
  log: LogRef,
  { member, entry }: PresenceSeat,
  data: string,
): Promise<boolean> {
  let isHere = false // a session whose lease is over may stand in the row still
  await changeMember(scope, { log, member }, (sessions, { v }) => {
    const mine = sessions[entry]
    isHere = mine !== undefined
    return mine && { ...sessions, [entry]: { ...mine, data, since: v } }
  })
  return isHere
}

/** After a hand-over or a reconnect a call may come before the subscription that takes its seat again: the seats are looked for then. */
async function seatsOfSession(
  scope: RuntimeContext,
  { topic }: LogRef,
  session: string,
): Promise<readonly PresenceSeat[]> {
  const seats: PresenceSeat[] = []
  for await (const rows of pagesOf(scope, topic))
    for (const { member, sessions } of rows)
      for (const entry of Object.keys(sessions)) if (isEntryOf(entry, session)) seats.push({ member, entry })
  return seats
}
