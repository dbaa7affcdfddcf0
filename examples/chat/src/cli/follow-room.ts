import type { LineClient } from '@trunkline/client'
import type { AppRouter } from '../server/router.ts'
import type { MessageEvent } from '../server/schemas.ts'
import { explainFailure } from '../words/failure.ts'
import { createTranscript, printable } from './transcript.ts'

const typingMs = 4_000 // 4 s: how long one typing event counts, as in the browser

export interface FollowOptions {
  readonly client: LineClient<AppRouter>
  readonly room: string
  /** The user's own name, whose typing is not printed. */
  readonly name: string | null
  readonly print: (line: string) => void
  /** The ids of messages that were printed before they were in the log. */
  readonly shown: ReadonlySet<string>
}

/** Prints the newest page of a room and then its live events. Returns a function that stops it. */
export function followRoom({ client, room, name, print, shown }: FollowOptions): () => void {
  const transcript = createTranscript()
  const typists = new Map<string, number>()
  const printed = new Set<string>() // an event may be in a page and also arrive live
  const printEvent = (id: string, event: MessageEvent) => {
    if (printed.has(id)) return
    printed.add(id)
    if (event.type === 'posted') typists.delete(event.message.author)
    const line = transcript.add(event)
    const isKnown = event.type === 'posted' && shown.has(event.message.id)
    if (line !== null && !isKnown) print(line)
  }
  const messages = client.messages.live.subscribe(
    { room },
    {
      onData: ({ id, data }) => {
        if (data.type !== 'page') return printEvent(id, data)
        if (printed.size > 0) print('-- Some messages may have been missed.') // a second page repairs a gap
        for (const event of data.events) printEvent(event.id, event.data)
      },
      onError: (error) => print(`-- This room is not available: ${explainFailure(error)}.`),
    },
  )
  const typing = client.room.onTyping.subscribe(
    { room },
    {
      onData: ({ author }) => {
        const isNew = (typists.get(author) ?? 0) < Date.now()
        typists.set(author, Date.now() + typingMs)
        if (isNew && author !== name) print(`-- ${printable(author)} is typing…`)
      },
    },
  )
  return () => {
    messages.unsubscribe()
    typing.unsubscribe()
  }
}
