import { defined } from '@trunkline/protocol'
import type {
  Capabilities,
  CostView,
  InspectorSource,
  InspectorStatus,
  ListItems,
  ListName,
  ListPage,
  ListQuery,
  ListRows,
  OpenQuery,
} from '../inspector/data-source.ts'
import { findConnections, openConnection } from './connections.ts'
import { LogRuns } from './log-runs.ts'
import { readUsage } from './metrics.ts'
import type { StageReader } from './read-only.ts'
import { findPresence, findStream, findTopic, openPresence, openStream, openTopic } from './topics.ts'

const usageMs = 300_000 // CloudWatch has a value for each five minutes

/** The lists, and what to search for where nothing is listed without a search. */
const lists = {
  runs: undefined,
  connections: 'a principal, or the id of a connection',
  topics: 'the whole name of a topic, such as chat.messages?room=s:7',
  presence: 'the whole name of a topic of a presence, such as chat.here?room=s:7',
  streams: 'the whole name of a topic of a stream, such as answers?id=s:7',
} as const satisfies Readonly<Partial<Record<ListName, string | undefined>>>

type StageList = keyof typeof lists

export interface StageSourceOptions {
  /** @default the machine's clock */
  readonly now?: () => number
  /** Called when the metrics cannot be read. The page is then without them. @default nothing */
  readonly onProblem?: (words: string) => void
}

/**
 * A deployed stage as a source of the inspector's page: connections, topics, presences and streams by name from the
 * table, runs of functions from the logs, and usage from the metrics. It has no actions, and it never scans: it reads
 * what the page asks for, and while a page is open the metrics every five minutes.
 */
export class StageSource implements InspectorSource {
  readonly #reader: StageReader
  readonly #now: () => number
  readonly #onProblem: (words: string) => void
  readonly #startedAt: number
  readonly #runs: LogRuns
  readonly #listeners = new Set<() => void>()
  #timer: ReturnType<typeof setInterval> | undefined
  #cost: CostView | undefined

  constructor(reader: StageReader, { now = Date.now, onProblem = () => {} }: StageSourceOptions = {}) {
    this.#reader = reader
    this.#now = now
    this.#onProblem = onProblem
    this.#startedAt = now()
    this.#runs = new LogRuns(reader, now)
  }

  async capabilities(): Promise<Capabilities> {
    await this.#readUsage()
    return {
      source: { kind: 'stage', name: this.#reader.stage.name },
      lists: Object.entries(lists).map(([name, searchFor]) => ({ name: name as StageList, ...defined({ searchFor }) })),
      actions: [],
      cost: this.#cost !== undefined,
    }
  }

  status(): InspectorStatus {
    return {
      now: this.#now(),
      startedAt: this.#startedAt,
      lists: { runs: { total: this.#runs.count(), version: this.#runs.newest() } }, // the others have no count
      faults: [],
      application: 0,
      ...defined({ cost: this.#cost }),
    }
  }

  async list<K extends ListName>(name: K, query: ListQuery): Promise<ListPage<ListRows[K]>> {
    const list = this.#lists[name as StageList] as ((query: ListQuery) => Promise<ListPage<ListRows[K]>>) | undefined
    return list === undefined ? { rows: [], total: 0 } : list(query)
  }

  async open<K extends ListName>(name: K, id: string, query: OpenQuery): Promise<ListItems[K] | undefined> {
    const open = this.#items[name as StageList] as
      | ((id: string, query: OpenQuery) => Promise<ListItems[K] | undefined>)
      | undefined
    return open?.(id, query)
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    this.#timer ??= setInterval(() => {
      void this.#readUsage().then(() => {
        for (const each of this.#listeners) each()
      })
    }, usageMs).unref()
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0) return
      clearInterval(this.#timer)
      this.#timer = undefined
    }
  }

  readonly #lists: { readonly [K in StageList]: (query: ListQuery) => Promise<ListPage<ListRows[K]>> } = {
    runs: (query) => this.#runs.page(query),
    connections: (query) => findConnections(this.#reader, query),
    topics: (query) => findTopic(this.#reader, query),
    presence: (query) => findPresence(this.#reader, query),
    streams: (query) => findStream(this.#reader, query),
  }

  readonly #items: {
    readonly [K in StageList]: (id: string, query: OpenQuery) => Promise<ListItems[K] | undefined>
  } = {
    runs: async (id) => this.#runs.open(id),
    connections: (id) => openConnection(this.#reader, id),
    topics: (id, query) => openTopic(this.#reader, id, query),
    presence: (id) => openPresence(this.#reader, id),
    streams: (id) => openStream(this.#reader, id),
  }

  /** A stage whose metrics cannot be read is shown without them. */
  async #readUsage(): Promise<void> {
    try {
      this.#cost = await readUsage(this.#reader, this.#now())
    } catch (error) {
      this.#onProblem(error instanceof Error ? error.message : String(error))
    }
  }
}
