import type { LineClient } from '@trunkline/client'
import type { AppRouter } from '../server/router.ts'
import { createStore, type Store } from './store.ts'

export interface Note {
  /** The note’s place in the log. */
  readonly id: string
  readonly text: string
  /** Epoch milliseconds. */
  readonly at: number
}

export interface Notes {
  /** Null until the newest notes have arrived. */
  readonly notes: readonly Note[] | null
  /** Why the subscription ended, or null. */
  readonly problem: string | null
}

/** The notes of a room: the newest, then each new one. */
export function followNotes(client: LineClient<AppRouter>, room: string): Store<Notes> {
  const store = createStore<Notes>({ notes: null, problem: null })
  client.live.subscribe(
    { room },
    {
      onData: ({ id, data }) =>
        store.update(({ notes, problem }) => {
          if ('newest' in data) return { notes: data.newest.map((note) => ({ id: note.id, ...note.data })), problem }
          return { notes: [...(notes ?? []), { id, ...data }], problem }
        }),
      onError: ({ message }) => store.update(({ notes }) => ({ notes, problem: message })),
    },
  )
  return store
}
