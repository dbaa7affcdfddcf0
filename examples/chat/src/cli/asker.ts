import { randomUUID } from 'node:crypto'
import type { LineClient } from '@trunkline/client'
import type { AppRouter } from '../server/router.ts'
import { botName } from '../server/schemas.ts'
import { explainFailure } from '../words/failure.ts'
import type { GrowingLine, Terminal } from './terminal.ts'
import { printable } from './transcript.ts'

/** Asks the bot questions and prints its answers word by word. */
export interface Asker {
  ask(prompt: string): void
  /** The ids of answers that were printed while they were written. The room's log contains them too. */
  readonly shown: ReadonlySet<string>
  /** Resolves when all answers have ended. */
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
      const end = (reason?: string) => {
        line.end()
        if (reason !== undefined) terminal.print(`-- No answer: ${reason}.`)
        resolve()
      }
      client.bot.ask.subscribe(
        { room, id, prompt },
        {
          onData(token) {
            text += token
            line.show(`${botName}: ${printable(text)}`)
          },
          onGap: () => (text = ''), // the socket was lost, so the bot writes its answer again
          onComplete: () => end(),
          onError: (error) => end(explainFailure(error)),
        },
      )
    })
  }
  return {
    shown,
    ask(prompt) {
      asking = asking.then(() => answer(prompt)) // one at a time: two growing answers would be unreadable
    },
    settled: () => asking,
  }
}
