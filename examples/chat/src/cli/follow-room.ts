import type { LineClient } from '@trunkline/client'
import type { AppRouter } from '../server/router.ts'
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

/** Prints what happens in a room: its last page, then live. Returns the way to stop. */
export function followRoom({ client, room, name, print, shown }: FollowOptions): () => void {
  const transcript = createTranscript()
  const typists = new Map<string, number>()
  const messages = client.messages.live.subscribe(
    { room },
    {
      onData: ({ data }) => {
        if (data.type === 'posted') typists.delete(data.message.author)
        const line = transcript.add(data)
        const isKnown = data.type === 'posted' && shown.has(data.message.id)
        if (line !== null && !isKnown) print(line)
      },
      onGap: () => print('-- Some messages were missed and are gone.'),
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
