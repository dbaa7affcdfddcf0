import { TRPCError } from '@trpc/server'
import { moderation } from './channels.ts'

const mutesRead = 100 // the newest of a room: more of them are rarely in force at the same time

/** Throws FORBIDDEN while a moderator has muted a user in a room. */
export async function refuseMuted(room: string, name: string): Promise<void> {
  const { events } = await moderation.read({ room }, { limit: mutesRead })
  const until = events.findLast(({ data }) => data.name === name)?.data.until ?? 0
  const minutes = Math.ceil((until - Date.now()) / 60_000)
  if (minutes <= 0) return
  const message = `A moderator has muted you in #${room} for ${minutes} more minute${minutes === 1 ? '' : 's'}.`
  throw new TRPCError({ code: 'FORBIDDEN', message })
}
