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
  /** Redacted, and truncated if it is long. */
  readonly text: string
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
const examinedForCode = 2_000 // newest frames

/** The newest frames of a line. */
export class Frames {
  readonly #names = createFrameNames()
  readonly #recent = createRecent<FrameEntry>({
    most: mostFrames,
    mostWeight: mostCharacters,
    weightOf: ({ text }) => text.length,
  })
  readonly #search = new RecentSearch(this.#recent, searchText)

  add(frame: Pick<FrameEntry, 'at' | 'direction' | 'connectionId' | 'bytes'>, text: string): void {
    const name = this.#names.name(frame.direction, frame.connectionId, text)
    this.#recent.add({ ...frame, ...name, text: redact(begin(text)) })
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
    return entry && { ...toRow(entry), text: entry.text, ids: entry.ids }
  }

  /** The frames of these calls, oldest first: the first and the newest ones if they are many. */
  of(calls: CallIds): readonly FrameRow[] {
    const found: FrameRow[] = []
    for (let number = this.#recent.oldest(); number <= this.#recent.newest(); number++) {
      const entry = this.#recent.get(number)
      if (entry !== undefined && isOf(entry, calls)) found.push(toRow(entry))
    }
    const half = relatedShown / 2
    return found.length <= relatedShown ? found : [...found.slice(0, half), ...found.slice(-half)]
  }

  /** The code of the newest error that was sent for these calls since `since`. */
  errorOf(calls: CallIds, since: number): string | undefined {
    const newest = this.#recent.newest()
    for (let number = newest; number > newest - examinedForCode; number--) {
      const entry = this.#recent.get(number)
      if (entry === undefined || entry.at < since) return undefined
      if (entry.direction === 'out' && entry.code !== undefined && isOf(entry, calls)) return entry.code
    }
    return undefined
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

function searchText({ connectionId, type, path, code, text }: FrameEntry): string {
  return `${connectionId} ${type} ${path} ${code ?? ''} ${text}`
}

function toRow({ number, at, direction, connectionId, bytes, type, path, code }: Numbered<FrameEntry>): FrameRow {
  return { id: String(number), number, at, direction, connectionId, bytes, type, path, ...defined({ code }) }
}
