import { randomUUID } from 'node:crypto'
import type { LineClient } from '@trunkline/client'
import type { AppRouter } from '../server/router.ts'
import { explainFailure } from '../words/failure.ts'

const announceEveryMs = 2_000

/** Sends the user's messages in order. */
export interface Sender {
  /** Calls `onFailure` with the reason when the message was not sent. */
  send(text: string, onFailure: (reason: string) => void): void
  /** Announces that the user is typing, at most every 2 s. */
  announceTyping(): void
  /** Resolves when all messages were sent or failed. */
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
        // A lost typing event does not matter.
      })
    },
    settled: () => sending,
  }
}
