/** A moderator's command, which is not posted as a message. */
export interface Command {
  readonly command: 'kick' | 'mute' | 'unmute' | 'remove' | 'restore'
  /** The name of the user whom it is about. */
  readonly name: string
}

/** A message for the room, a question to the bot, or a command. */
export type Typed =
  | { readonly kind: 'message' }
  | { readonly kind: 'question'; readonly prompt: string }
  | ({ readonly kind: 'command' } & Command)

const commandForm = /^\/(kick|mute|unmute|remove|restore)\s+(\S[\s\S]*)$/i

/** Parses `/ask why is that` and commands such as `/mute ann`. Any other text is a message. */
export function readTyped(text: string): Typed {
  const [, prompt] = /^\/ask\s+(\S[\s\S]*)$/i.exec(text.trim()) ?? []
  if (prompt !== undefined) return { kind: 'question', prompt }
  const [, command, name] = commandForm.exec(text.trim()) ?? []
  if (command === undefined || name === undefined) return { kind: 'message' }
  return { kind: 'command', command: command.toLowerCase() as Command['command'], name }
}
