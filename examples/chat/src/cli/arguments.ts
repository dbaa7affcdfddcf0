import { parseArgs } from 'node:util'
import { guestName } from '../server/schemas.ts'

export const usage = `Usage: chat [--room lobby] [--name ann] [--url wss://… --issuer https://…]

  --room   the room to join (default: lobby)
  --name   your name; without it you can only read
  --url    the URL of the line (default: the dev server on this machine)
  --issuer the address of the issuer of tokens, with --url and --name

Type a message and press Enter to send it. /ask why … asks the bot, /quit leaves.`

export interface ChatArguments {
  readonly room: string
  readonly name: string | null
  readonly url: string | undefined
  readonly issuer: string | undefined
}

/** Parses the arguments. Returns an error message, or the usage for --help, as a string. */
export function parseArguments(argv: readonly string[]): ChatArguments | string {
  try {
    const options = {
      room: { type: 'string' },
      name: { type: 'string' },
      url: { type: 'string' },
      issuer: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    } as const
    const { values } = parseArgs({ args: [...argv], options })
    if (values.help === true) return usage
    const name = values.name === undefined ? undefined : guestName.safeParse(values.name)
    if (name?.success === false) return `--name: ${name.error.issues[0]?.message ?? 'not a name'}`
    return { room: values.room ?? 'lobby', name: name?.data ?? null, url: values.url, issuer: values.issuer }
  } catch (error) {
    return `${error instanceof Error ? error.message : 'Bad arguments'}\n\n${usage}`
  }
}
