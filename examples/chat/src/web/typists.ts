const typingMs = 4_000 // 4 s after the last typing event; a browser sends one every 2 s

/** The users who are typing, with the time when their last event expires. */
export type Typists = ReadonlyMap<string, number>

export const noTypists: Typists = new Map()

export function addTypist(typists: Typists, author: string, now: number): Typists {
  return new Map(typists).set(author, now + typingMs)
}

/** Removes a user whose message arrived. */
export function removeTypist(typists: Typists, author: string): Typists {
  if (!typists.has(author)) return typists
  return new Map([...typists].filter(([name]) => name !== author))
}

export function dropSilent(typists: Typists, now: number): Typists {
  return new Map([...typists].filter(([, until]) => until > now))
}

/** "Ann is typing…". The text does not grow with the number of users. */
export function typingWords(typists: Typists): string {
  const [first, second, ...others] = typists.keys()
  if (first === undefined) return ''
  if (second === undefined) return `${first} is typing…`
  return others.length === 0 ? `${first} and ${second} are typing…` : 'Several people are typing…'
}
