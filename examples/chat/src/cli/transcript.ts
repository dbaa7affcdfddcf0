import type { MessageEvent } from '../server/schemas.ts'

/** A room as lines of text. A message is printed once, even when its event arrives again under another id. */
export interface Transcript {
  /** The line to print for an event; null when there is nothing new. */
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
      if (event.type === 'asked') return null // the answer is printed when it is posted
      if (authors.get(event.id) !== event.author) return null // only the author may change a message
      if (event.type === 'edited') return `      ${printable(event.author)} changed it to: ${printable(event.text)}`
      authors.set(event.id, '') // later changes are ignored
      return `      ${printable(event.author)} removed a message`
    },
  }
}

const time = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const timeOfDay = (at: number): string => time.format(at)

/** Replaces control characters, including escape sequences, so that messages cannot control the terminal. */
export function printable(text: string): string {
  return text.replace(/\r?\n/g, '\n      ').replace(/[^\P{Cc}\n]/gu, '\u{fffd}')
}
