import { randomUUID } from 'node:crypto'
import type { LineClient } from '@trunkline/client'
import type { AppRouter } from '../server/router.ts'
import { botName } from '../server/schemas.ts'
import { explainFailure } from '../words/failure.ts'
import type { GrowingLine, Terminal } from './terminal.ts'
import { printable } from './transcript.ts'

/** Asks the bot questions and prints its answers word by word. An answer continues when the terminal is closed. */
export interface Asker {
  ask(prompt: string): void
  /** The ids of answers that were printed while they were written. The room's log contains them too. */
  readonly shown: ReadonlySet<string>
  /** Resolves when all answers have ended. */
  settled(): Promise<void>
}

export interface AskerOptions {
  readonly client: LineClient<AppRouter>
  readonly room: string
  /** The user's own name; null for a visitor, who may not ask. */
  readonly name: string | null
  readonly terminal: Pick<Terminal, 'grow' | 'print'>
}

export function createAsker({ client, room, name, terminal }: AskerOptions): Asker {
  const shown = new Set<string>()
  let asking = Promise.resolve()

  async function answer(prompt: string): Promise<void> {
    const id = randomUUID()
    shown.add(id)
    const line = terminal.grow()
    try {
      await client.bot.ask.mutate({ room, id, prompt })
      const outcome = await print({ room, asker: name ?? '', id }, line)
      line.end()
      if (outcome === 'stopped') terminal.print('-- The answer was stopped.')
    } catch (error) {
      line.end()
      terminal.print(`-- The bot’s answer failed: ${explainFailure(error)}.`)
    }
  }

  /** Resolves to the outcome of the answer, and rejects if it failed. */
  function print(key: { readonly room: string; readonly asker: string; readonly id: string }, line: GrowingLine) {
    let text = ''
    return new Promise<'done' | 'stopped'>((resolve, reject) => {
      client.bot.answer.subscribe(key, {
        onData({ data }) {
          text += data
          line.show(`${botName}: ${printable(text)}`)
        },
        onOutcome: resolve,
        onError: reject,
      })
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
