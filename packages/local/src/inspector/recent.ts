/** The newest entries, numbered from 1 in order of arrival. */
export interface Recent<T> {
  add(entry: T): void
  /** The entries whose number is above `number`, oldest first. */
  after(number: number): readonly Numbered<T>[]
}

export type Numbered<T> = T & { readonly number: number }

/** Keeps the newest `most` entries. */
export function createRecent<T>(most: number): Recent<T> {
  const kept: Numbered<T>[] = []
  let count = 0
  return {
    add(entry) {
      count += 1
      kept.push({ ...entry, number: count })
      if (kept.length > most) kept.shift()
    },
    after: (number) => kept.slice(Math.max(0, kept.length - (count - number))),
  }
}
