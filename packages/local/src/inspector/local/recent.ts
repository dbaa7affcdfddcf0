/** The newest entries, numbered from 1 in order of arrival. */
export interface Recent<T> {
  /** Adds an entry, drops the oldest ones beyond the bounds, and returns the numbered entry. */
  add(entry: T): Numbered<T>
  /** Undefined for a number that was dropped, or that is not reached yet. */
  get(number: number): Numbered<T> | undefined
  /** The number of the newest entry; 0 when there is none. */
  newest(): number
  /** The number of the oldest entry that is kept; above `newest` when there is none. */
  oldest(): number
}

export type Numbered<T> = T & { readonly number: number }

export interface RecentBounds<T> {
  /** The most entries. */
  readonly most: number
  /** The most weight of all entries together. The newest entry is always kept. @default no bound */
  readonly mostWeight?: number
  readonly weightOf?: (entry: T) => number
}

const holesKept = 1_024 // slots of dropped entries before the array is copied

/** Keeps the newest entries within the bounds. Adding takes constant time on average. */
export function createRecent<T>({ most, mostWeight = Number.POSITIVE_INFINITY, weightOf }: RecentBounds<T>): Recent<T> {
  let kept: (Numbered<T> | undefined)[] = []
  let holes = 0 // of `kept`: the dropped entries at its beginning
  let newest = 0
  let weight = 0
  const oldest = () => newest - (kept.length - holes) + 1

  function dropOldest(): void {
    const entry = kept[holes]
    if (entry !== undefined) weight -= weightOf?.(entry) ?? 0
    kept[holes] = undefined
    holes += 1
    if (holes < holesKept || holes < kept.length / 2) return
    kept = kept.slice(holes)
    holes = 0
  }
  return {
    add(entry) {
      newest += 1
      const numbered = { ...entry, number: newest }
      kept.push(numbered)
      weight += weightOf?.(entry) ?? 0
      while (kept.length - holes > most || (weight > mostWeight && kept.length - holes > 1)) dropOldest()
      return numbered
    },
    get(number) {
      const at = kept.length - 1 - (newest - number)
      return at < holes ? undefined : kept[at]
    },
    newest: () => newest,
    oldest,
  }
}
