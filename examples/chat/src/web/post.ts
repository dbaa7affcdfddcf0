import type { Message } from '../server/schemas.ts'
import { client } from './line.ts'

const waiting = new Map<string, (message: Message) => void>()

/**
 * Posts a message. Resolves when the server answers or when the message appears in the room, whichever comes first, so
 * that a lost answer does not delay the next message.
 */
export async function post(draft: {
  readonly room: string
  readonly id: string
  readonly text: string
}): Promise<Message> {
  const done = new AbortController()
  const seen = new Promise<Message>((resolve) => waiting.set(draft.id, resolve))
  try {
    return await Promise.race([client.messages.post.mutate(draft, { signal: done.signal }), seen])
  } finally {
    waiting.delete(draft.id)
    done.abort()
  }
}

/** Resolves a pending post when its message appears in the room. */
export function notePosted(message: Message): void {
  waiting.get(message.id)?.(message)
}
