import type { ListQuery } from '../data-source.ts'
import type { Numbered, Recent } from './recent.ts'

/** The numbers of the entries that match one search, ascending. */
interface Matches {
  readonly numbers: number[]
  /** The entries up to this number were examined. */
  examined: number
}

type NumberedQuery = Pick<ListQuery, 'search' | 'offset' | 'limit' | 'through'>

export interface NumberedPage<T> {
  readonly entries: readonly Numbered<T>[]
  readonly total: number
  readonly through: number
}

const searchesKept = 8

/**
 * Pages of the newest entries that match a search, newest first. A search examines each entry once while it is among
 * the last eight; one that only adds characters to another examines the matches of that one.
 */
export class RecentSearch<T> {
  readonly #recent: Recent<T>
  readonly #textOf: (entry: T) => string
  readonly #searches = new Map<string, Matches>()

  /** `textOf` returns the text that is searched, in any case. */
  constructor(recent: Recent<T>, textOf: (entry: T) => string) {
    this.#recent = recent
    this.#textOf = textOf
  }

  page({ search, offset, limit, through = Number.POSITIVE_INFINITY }: NumberedQuery): NumberedPage<T> {
    const newest = Math.min(through, this.#recent.newest())
    const words = toWords(search)
    if (words.length === 0) return this.#pageOfAll(newest, { offset, limit })
    const { numbers } = this.#find(words)
    const total = countUpTo(numbers, newest)
    const wanted = numbers.slice(Math.max(0, total - offset - limit), Math.max(0, total - offset)).reverse()
    return { entries: wanted.flatMap((number) => this.#recent.get(number) ?? []), total, through: newest }
  }

  #pageOfAll(newest: number, { offset, limit }: Pick<ListQuery, 'offset' | 'limit'>): NumberedPage<T> {
    const total = Math.max(0, newest - this.#recent.oldest() + 1)
    const count = Math.max(0, Math.min(limit, total - offset))
    const numbers = Array.from({ length: count }, (_, index) => newest - offset - index)
    return { entries: numbers.flatMap((number) => this.#recent.get(number) ?? []), total, through: newest }
  }

  #find(words: readonly string[]): Matches {
    const key = words.join(' ')
    const patterns = toPatterns(words)
    const matches = this.#searches.get(key) ?? this.#start(patterns, key)
    this.#searches.delete(key)
    this.#searches.set(key, matches)
    const [oldestSearch] = this.#searches.keys()
    if (this.#searches.size > searchesKept && oldestSearch !== undefined) this.#searches.delete(oldestSearch)
    const oldest = this.#recent.oldest()
    dropBelow(matches.numbers, oldest)
    for (let number = Math.max(matches.examined + 1, oldest); number <= this.#recent.newest(); number++)
      if (this.#isMatch(number, patterns)) matches.numbers.push(number)
    matches.examined = this.#recent.newest()
    return matches
  }

  #start(patterns: readonly RegExp[], key: string): Matches {
    const wider = [...this.#searches].findLast(([other]) => key.startsWith(other))?.[1]
    if (wider === undefined) return { numbers: [], examined: 0 }
    return { numbers: wider.numbers.filter((number) => this.#isMatch(number, patterns)), examined: wider.examined }
  }

  #isMatch(number: number, patterns: readonly RegExp[]): boolean {
    const entry = this.#recent.get(number)
    return entry !== undefined && hasWords(this.#textOf(entry), patterns)
  }
}

/** The words of a search, in lower case. */
export function toWords(search: string): readonly string[] {
  return search.toLowerCase().split(/\s+/).filter(Boolean)
}

/** The words as patterns, which need no copy of a text in lower case: a search examines up to 64 million characters. */
export function toPatterns(words: readonly string[]): readonly RegExp[] {
  return words.map((word) => new RegExp(word.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'), 'i'))
}

/** Whether a text has all words. */
export function hasWords(text: string, patterns: readonly RegExp[]): boolean {
  return patterns.every((pattern) => pattern.test(text))
}

/** The number of entries of an ascending list that are at most `limit`. */
function countUpTo(numbers: readonly number[], limit: number): number {
  let [low, high] = [0, numbers.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((numbers[middle] ?? 0) <= limit) low = middle + 1
    else high = middle
  }
  return low
}

function dropBelow(numbers: number[], limit: number): void {
  const dropped = countUpTo(numbers, limit - 1)
  if (dropped > 0) numbers.splice(0, dropped)
}
