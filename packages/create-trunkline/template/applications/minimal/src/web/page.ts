import { followNotes } from './follow-notes.ts'
import { client } from './line.ts'

/** The room of the page’s address: `/#kitchen`. */
export const room = decodeURIComponent(location.hash.slice(1)) || 'lobby'

export const notes = followNotes(client, room)

/** The time of a note, as the reader’s country writes it. */
export const timeOf = (at: number): string =>
  new Date(at).toLocaleTimeString([], { hour: 'numeric', minute: '2-digit' })
