/**
 * An event of another schema after parsing by the reader's schema: JSON text, so that no reader can change the value of
 * another.
 */
export type Parsed = { readonly text: string } | { readonly thrown: unknown }

/** The events that one invocation has parsed, each once for all its subscribers. */
export interface ParsedEvents {
  readonly find: (name: string) => Parsed | undefined
  readonly keep: (name: string, parsed: Parsed) => void
}

const keptChars = 8 * 1024 * 1024

/** A cache that is emptied when it is full, which bounds the memory of a function that delivers for minutes. */
export function createParsedEvents(): ParsedEvents {
  const events = new Map<string, Parsed>()
  let chars = 0
  return {
    find: (name) => events.get(name),
    keep(name, parsed) {
      const size = name.length + ('text' in parsed ? parsed.text.length : 1_000)
      if (chars + size > keptChars) events.clear()
      chars = events.size === 0 ? size : chars + size
      events.set(name, parsed)
    },
  }
}
