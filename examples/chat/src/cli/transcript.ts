import type { MessageEvent } from '../server/schemas.ts'

/** A room as lines of text. One message is one line, once, though its event may come again under another id. */
export interface Transcript {
  /** The line to print for an event; null when it says nothing new. */
  add(event: MessageEvent): string | null
}

export function createTranscript(): Transcript {
  const authors = new Map<string, string>()
  return {
    add(event) {
      if (event.type === 'posted') {
        const { id, author, text, at } = event.message
        if (authors.has(id)) return null
        authors.set(id, author)
        return `${timeOfDay(at)} ${printable(author)}: ${printable(text)}`
      }
      if (authors.get(event.id) !== event.author) return null // not theirs to change
      if (event.type === 'edited') return `      ${printable(event.author)} changed it to: ${printable(event.text)}`
      authors.set(event.id, '') // nothing more happens to it
      return `      ${printable(event.author)} removed a message`
    },
  }
}

const time = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const timeOfDay = (at: number): string => time.format(at)

/** What others wrote must not drive this terminal: control characters, escape sequences among them, are shown as such. */
export function printable(text: string): string {
  return text.replace(/\r?\n/g, '\n      ').replace(/[^\P{Cc}\n]/gu, '\u{fffd}')
}
