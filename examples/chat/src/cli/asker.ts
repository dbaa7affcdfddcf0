import { randomUUID } from 'node:crypto'
import type { LineClient } from '@trunkline/client'
import type { AppRouter } from '../server/router.ts'
import { botName } from '../server/schemas.ts'
import { explainFailure } from '../words/failure.ts'
import type { GrowingLine, Terminal } from './terminal.ts'
import { printable } from './transcript.ts'

/** Questions of this person to the bot, and their answers word by word. */
export interface Asker {
  ask(prompt: string): void
  /** Answers that were shown here while they were written: the room's log brings them again. */
  readonly shown: ReadonlySet<string>
  /** Resolves when every answer has come to its end. */
  settled(): Promise<void>
}

export function createAsker(
  client: LineClient<AppRouter>,
  room: string,
  terminal: Pick<Terminal, 'grow' | 'print'>,
): Asker {
  const shown = new Set<string>()
  let asking = Promise.resolve()

  function answer(prompt: string): Promise<void> {
    const id = randomUUID()
    let text = ''
    shown.add(id)
    const line: GrowingLine = terminal.grow()
    return new Promise((resolve) => {
      const end = (why?: string) => {
        line.end()
        if (why !== undefined) terminal.print(`-- No answer: ${why}.`)
        resolve()
      }
      client.bot.ask.subscribe(
        { room, id, prompt },
        {
          onData(token) {
            text += token
            line.show(`${botName}: ${printable(text)}`)
          },
          onGap: () => (text = ''), // the socket was lost: it is written anew
          onComplete: () => end(),
          onError: (error) => end(explainFailure(error)),
        },
      )
    })
  }
  return {
    shown,
    ask(prompt) {
      asking = asking.then(() => answer(prompt)) // one at a time: two that grow at once cannot be read
    },
    settled: () => asking,
  }
}
