/** An event of another schema, as the reader's makes it: JSON text, so that nobody changes another's. */
export type Parsed = { readonly text: string } | { readonly thrown: unknown }

/** What one invocation has parsed: each event once, for all its subscribers. */
export interface ParsedEvents {
  readonly find: (name: string) => Parsed | undefined
  readonly keep: (name: string, parsed: Parsed) => void
}

const keptChars = 8 * 1024 * 1024

/** Forgets everything when it is full: a function that delivers for minutes holds no more than that. */
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
