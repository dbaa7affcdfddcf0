import { randomUUID } from 'node:crypto'
import type { LineClient } from '@trunkline/client'
import type { AppRouter } from '../server/router.ts'
import { explainFailure } from '../words/failure.ts'

const announceEveryMs = 2_000

/** What this person says, in the order they say it. */
export interface Sender {
  /** `onFailure` hears why a message was not sent. */
  send(text: string, onFailure: (why: string) => void): void
  /** Tells the others that a key was pressed; most calls do nothing. */
  announceTyping(): void
  /** Resolves when everything was answered, well or not. */
  settled(): Promise<void>
}

export function createSender(client: LineClient<AppRouter>, room: string): Sender {
  let sending = Promise.resolve()
  let announcedAt = 0
  return {
    send(text, onFailure) {
      announcedAt = 0
      const post = () => client.messages.post.mutate({ room, id: randomUUID(), text })
      sending = sending.then(post).then(
        () => {},
        (error: unknown) => onFailure(explainFailure(error)),
      )
    },
    announceTyping() {
      if (Date.now() - announcedAt < announceEveryMs) return
      announcedAt = Date.now()
      client.room.typing.mutate({ room }, { timeoutMs: announceEveryMs }).catch(() => {
        // Worth nothing a moment later, so not worth a word either.
      })
    },
    settled: () => sending,
  }
}
