import { defined } from '@trunkline/protocol'
import type { FrameItem, FrameRow, ListPage, ListQuery } from '../data-source.ts'
import { createFrameNames, type FrameName } from './frame-name.ts'
import { createRecent, type Numbered } from './recent.ts'
import { RecentSearch } from './recent-search.ts'
import { redact } from './redact.ts'

/** A text that crossed a socket. */
export interface FrameEntry extends FrameName {
  readonly at: number
  readonly direction: 'in' | 'out'
  readonly connectionId: string
  readonly bytes: number
  /** What is searched: names, and at `textAt` the frame's text, which is redacted, and truncated if it is long. */
  readonly searched: string
  readonly textAt: number
  /** The number of the frame before it of the same connection; 0 for the first one. */
  readonly previous: number
}

/** The calls of a frame or of a run: a connection and the ids of its calls, as JSON text. */
export interface CallIds {
  readonly connectionId: string
  readonly ids: readonly string[]
}

/** The bounds of the log: 100,000 frames, and 64 million characters of their texts. */
const mostFrames = 100_000
const mostCharacters = 64_000_000
const keptCharacters = 8_192 // kept per frame
const relatedShown = 200
const pruneEvery = 10_000 // frames

/** The newest frames of a line. */
export class Frames {
  readonly #names = createFrameNames()
  readonly #recent = createRecent<FrameEntry>({
    most: mostFrames,
    mostWeight: mostCharacters,
    weightOf: ({ searched }) => searched.length,
  })
  readonly #search = new RecentSearch(this.#recent, ({ searched }) => searched)
  /** The number of each connection's newest frame. */
  readonly #newestOf = new Map<string, number>()

  add(frame: Pick<FrameEntry, 'at' | 'direction' | 'connectionId' | 'bytes'>, text: string): void {
    const name = this.#names.name(frame.direction, frame.connectionId, text)
    const previous = this.#newestOf.get(frame.connectionId) ?? 0
    const names = `${frame.connectionId} ${name.type} ${name.path} ${name.code ?? ''} `
    // a copy: the first search would have to join the parts of each text
    const searched = Buffer.from(names + redact(begin(text))).toString()
    const { number } = this.#recent.add({ ...frame, ...name, searched, textAt: names.length, previous })
    this.#newestOf.set(frame.connectionId, number)
    if (number % pruneEvery === 0) this.#prune()
  }

  /** Forgets the paths of an ended connection; its frames stay. */
  remove(connectionId: string): void {
    this.#names.remove(connectionId)
  }

  newest(): number {
    return this.#recent.newest()
  }

  count(): number {
    return this.#recent.newest() - this.#recent.oldest() + 1
  }

  page(query: ListQuery): ListPage<FrameRow> {
    const { entries, total, through } = this.#search.page(query)
    return { rows: entries.map(toRow), total, through }
  }

  get(number: number): (Omit<FrameItem, 'frames' | 'runs'> & CallIds) | undefined {
    const entry = this.#recent.get(number)
    return entry && { ...toRow(entry), text: entry.searched.slice(entry.textAt), ids: entry.ids }
  }

  /** The frames of these calls, oldest first: the first and the newest ones if they are many. */
  of(calls: CallIds): readonly FrameRow[] {
    const found = [...this.#newestFirst(calls.connectionId)]
      .filter((entry) => isOf(entry, calls))
      .map(toRow)
      .reverse()
    const half = relatedShown / 2
    return found.length <= relatedShown ? found : [...found.slice(0, half), ...found.slice(-half)]
  }

  /** The code of the newest error that was sent for these calls since `since`. */
  errorOf(calls: CallIds, since: number): string | undefined {
    for (const entry of this.#newestFirst(calls.connectionId)) {
      if (entry.at < since) return undefined
      if (entry.direction === 'out' && entry.code !== undefined && isOf(entry, calls)) return entry.code
    }
    return undefined
  }

  /** A connection's frames. Without those of the others, which may be 100,000. */
  *#newestFirst(connectionId: string): Iterable<Numbered<FrameEntry>> {
    let entry = this.#recent.get(this.#newestOf.get(connectionId) ?? 0)
    while (entry !== undefined) {
      yield entry
      entry = this.#recent.get(entry.previous)
    }
  }

  /** Forgets the connections whose frames were all dropped. */
  #prune(): void {
    for (const [id, newest] of this.#newestOf) if (newest < this.#recent.oldest()) this.#newestOf.delete(id)
  }
}

/** The beginning of a text, as a copy: a slice would keep the whole text in memory. */
function begin(text: string): string {
  return text.length > keptCharacters ? Buffer.from(text.slice(0, keptCharacters)).toString() : text
}

/** Whether two have a call in common. */
export function isOf(one: CallIds, other: CallIds): boolean {
  return one.connectionId === other.connectionId && one.ids.some((id) => other.ids.includes(id))
}

function toRow({ number, at, direction, connectionId, bytes, type, path, code }: Numbered<FrameEntry>): FrameRow {
  return { id: String(number), number, at, direction, connectionId, bytes, type, path, ...defined({ code }) }
}
