import type { Command } from '../words/command.ts'
import { setLost } from './issuer.ts'
import { client } from './line.ts'

/** Runs a moderator's command in a room. Resolves to a sentence for the moderator. */
export async function moderate(room: string, { command, name }: Command): Promise<string> {
  switch (command) {
    case 'kick': {
      const { connections } = await client.moderation.kick.mutate({ name })
      return connections > 0 ? `${name} is disconnected for a minute.` : `${name} is not connected.`
    }
    case 'mute':
      await client.moderation.mute.mutate({ room, name, minutes: 10 })
      return `${name} is muted here for 10 minutes.`
    case 'unmute':
      await client.moderation.mute.mutate({ room, name, minutes: 0 })
      return `${name} may write here again.`
    case 'remove':
      await setLost(name, room, true)
      return `${name} leaves #${room} with the next token.`
    case 'restore':
      await setLost(name, room, false)
      return `${name} may come back to #${room} with the next token.`
  }
}
