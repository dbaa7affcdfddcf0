import type { LineClient } from '@trunkline/client'
import type { AppRouter } from '../server/router.ts'
import type { MessageEvent } from '../server/schemas.ts'
import { explainFailure } from '../words/failure.ts'
import { createTranscript, printable } from './transcript.ts'

const lingerMs = 4_000 // one sign of typing is worth this long, as in the browser

export interface FollowOptions {
  readonly client: LineClient<AppRouter>
  readonly room: string
  /** Whose typing is not news. */
  readonly name: string | null
  readonly print: (line: string) => void
  /** Messages that were shown already, before they were in the log. */
  readonly shown: ReadonlySet<string>
}

/** Prints what happens in a room: its newest page, then live. Returns the way to stop. */
export function followRoom({ client, room, name, print, shown }: FollowOptions): () => void {
  const transcript = createTranscript()
  const typists = new Map<string, number>()
  const heard = new Set<string>() // an event may be in a page and come live
  const printEvent = (id: string, event: MessageEvent) => {
    if (heard.has(id)) return
    heard.add(id)
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
        if (heard.size > 0) print('-- Some messages may have been missed.') // a page after the first makes good a gap
        for (const event of data.events) printEvent(event.id, event.data)
      },
      onError: (error) => print(`-- This room cannot be followed: ${explainFailure(error)}.`),
    },
  )
  const typing = client.room.onTyping.subscribe(
    { room },
    {
      onData: ({ author }) => {
        const isNews = (typists.get(author) ?? 0) < Date.now()
        typists.set(author, Date.now() + lingerMs)
        if (isNews && author !== name) print(`-- ${printable(author)} is typing…`)
      },
    },
  )
  return () => {
    messages.unsubscribe()
    typing.unsubscribe()
  }
}
