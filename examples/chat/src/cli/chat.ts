import { type Connection, createClient } from '@trunkline/client'
import type { AppRouter } from '../server/router.ts'
import { readTyped } from '../words/command.ts'
import { describeConnection } from '../words/connection.ts'
import { createAsker } from './asker.ts'
import { followRoom } from './follow-room.ts'
import { createSender } from './sender.ts'
import { openTerminal, type Terminal } from './terminal.ts'
import { printable } from './transcript.ts'

export interface ChatOptions {
  readonly connection: Connection
  readonly room: string
  /** Null for a visitor who only reads. */
  readonly name: string | null
}

/** Runs the chat until the user leaves or the connection is refused. Resolves to the exit code. */
export async function chat({ connection, room, name }: ChatOptions): Promise<number> {
  const client = createClient<AppRouter>({ connection })
  const sender = createSender(client, room)
  const { left, leave } = leaving()

  const say = (text: string) => {
    sender.send(text, (reason) => terminal.print(`-- Not sent: ${reason}. (${printable(text)})`))
    const typed = readTyped(text)
    if (typed.kind === 'question') asker.ask(typed.prompt)
  }
  const terminal: Terminal = openTerminal({
    prompt: `#${room}> `,
    onLine: (line) => {
      const text = line.trim()
      if (text === '/quit') leave(0)
      else if (text !== '') say(text)
    },
    onTyping: () => {
      if (name !== null) sender.announceTyping()
    },
    onEnd: () => leave(0),
  })
  const asker = createAsker({ client, room, name, terminal })
  terminal.print(
    `#${room}${name === null ? ', read only (use --name to write)' : `, as ${name}`}. /ask asks the bot, /quit leaves.`,
  )
  const unwatch = watchConnection(connection, terminal.print, () => leave(1))
  const unfollow = followRoom({ client, room, name, print: terminal.print, shown: asker.shown })

  const exitCode = await left
  await Promise.all([sender.settled(), asker.settled()])
  unfollow()
  unwatch()
  terminal.close()
  return exitCode
}

/** Prints each change of the connection once. Calls `onRefused` when the connection will not reconnect. */
function watchConnection(connection: Connection, print: (line: string) => void, onRefused: () => void): () => void {
  let printed = ''
  return connection.subscribe((state) => {
    const words = describeConnection(state, Date.now())
    const line = `-- ${words.trouble ?? words.short}`
    if (line !== printed) print(line)
    printed = line
    if (state.status === 'closed' && state.cause.code !== 'closed-by-you') onRefused()
  })
}

/** Creates a promise that `leave` resolves with the first exit code. */
function leaving(): { readonly left: Promise<number>; readonly leave: (exitCode: number) => void } {
  let leave: (exitCode: number) => void = () => {}
  const left = new Promise<number>((resolve) => {
    leave = resolve
  })
  return { left, leave }
}
