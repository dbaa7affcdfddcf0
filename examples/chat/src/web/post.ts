import type { Message } from '../server/schemas.ts'
import { client } from './line.ts'

const waiting = new Map<string, (message: Message) => void>()

/**
 * Posts a message. Done when the server answers or when the message is seen in the room, whichever is first: an answer
 * that was lost must not hold up the next message.
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

/** A message has come into the room. */
export function notePosted(message: Message): void {
  waiting.get(message.id)?.(message)
}
