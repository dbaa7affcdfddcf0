const lingerMs = 4_000 // shown this long after the last sign; a typing browser sends one every 2 s

/** Who is typing, and until when that is believed. */
export type Typists = ReadonlyMap<string, number>

export const nobody: Typists = new Map()

export function addTypist(typists: Typists, author: string, now: number): Typists {
  return new Map(typists).set(author, now + lingerMs)
}

/** A message of theirs has come, so they are not writing it any more. */
export function removeTypist(typists: Typists, author: string): Typists {
  if (!typists.has(author)) return typists
  return new Map([...typists].filter(([name]) => name !== author))
}

export function dropSilent(typists: Typists, now: number): Typists {
  return new Map([...typists].filter(([, until]) => until > now))
}

/** "Ann is typing…", and never a line that grows with the room. */
export function typingWords(typists: Typists): string {
  const [first, second, ...others] = typists.keys()
  if (first === undefined) return ''
  if (second === undefined) return `${first} is typing…`
  return others.length === 0 ? `${first} and ${second} are typing…` : 'Several people are typing…'
}
