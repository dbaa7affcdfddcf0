// One file over 200 lines: it implements one interface, list by list.

import { defined } from '@trunkline/protocol'
import { effects } from '../../faults/fault-effects.ts'
import {
  type Capabilities,
  type InspectorAction,
  InspectorError,
  type InspectorSource,
  type InspectorStatus,
  type ListItems,
  type ListName,
  type ListPage,
  type ListQuery,
  type ListRows,
  listNames,
  type OpenQuery,
  type TopicItem,
} from '../data-source.ts'
import { Actions } from './actions.ts'
import type { ApplicationPort, Description } from './application-port.ts'
import { type ConnectionParts, toConnectionItem, toConnectionRow } from './connection-rows.ts'
import type { InspectedLine } from './inspected-line.ts'
import { hasWords, toPatterns, toWords } from './recent-search.ts'
import { redact } from './redact.ts'
import { keyOf } from './topic-name.ts'
import type { Watch } from './watch.ts'

const eventsShown = 50
const subscribersShown = 100

/** The local line as a source of the inspector's page. */
export class LocalSource implements InspectorSource {
  readonly #watch: Watch
  readonly #line: () => InspectedLine
  readonly #application: () => ApplicationPort | undefined
  readonly #actions: Actions

  constructor(watch: Watch, line: () => InspectedLine, application: () => ApplicationPort | undefined) {
    this.#watch = watch
    this.#line = line
    this.#application = application
    this.#actions = new Actions(watch, line, application)
  }

  async capabilities(): Promise<Capabilities> {
    const { gateway, functionNames } = this.#line()
    const described = await this.#describe()
    return {
      source: { kind: 'local', name: gateway.url },
      lists: listNames.map((name) => ({ name })),
      actions: this.#actions.names(),
      cost: true,
      faults: { points: effects, functions: functionNames },
      ...defined({ problem: 'problem' in described ? described.problem : undefined }),
    }
  }

  status(): InspectorStatus {
    const { frames, runs, topics, presence, streams, changes } = this.#watch
    const application = this.#application()
    const state = (total: number) => ({ total, version: changes })
    const declared = { total: 0, version: application?.version() ?? 0 }
    const described = application?.known()
    return {
      now: this.#line().clock.now(),
      startedAt: this.#watch.startedAt,
      lists: {
        frames: numbered(frames),
        runs: numbered(runs),
        connections: state(this.#connectionCount()),
        topics: state(topics.size()),
        presence: state(presence.rows().length),
        streams: state(streams.size()),
        procedures: { ...declared, total: described?.procedures.length ?? 0 },
        channels: { ...declared, total: described?.channels.length ?? 0 },
      },
      cost: this.#watch.cost(),
      faults: this.#actions.activeFaults(),
      application: declared.version,
    }
  }

  async list<K extends ListName>(name: K, query: ListQuery): Promise<ListPage<ListRows[K]>> {
    return this.#lists[name](query)
  }

  async open<K extends ListName>(name: K, id: string, query: OpenQuery): Promise<ListItems[K] | undefined> {
    return this.#items[name](id, query)
  }

  readonly act = (action: InspectorAction, signal: AbortSignal) => this.#actions.run(action, signal)

  onChange(listener: () => void): () => void {
    return this.#watch.onEvent(listener)
  }

  readonly #lists: { readonly [K in ListName]: (query: ListQuery) => Promise<ListPage<ListRows[K]>> } = {
    frames: async (query) => this.#watch.frames.page(query),
    runs: async (query) => this.#watch.runs.page(query),
    connections: async (query) => pageOf(this.#connections().map(toConnectionRow).sort(byAge), query),
    topics: async (query) => pageOf(this.#watch.topics.rows(), query),
    presence: async (query) => pageOf(this.#watch.presence.rows(), query),
    streams: async (query) => pageOf(this.#watch.streams.rows(), query),
    procedures: async (query) => {
      const { procedures } = orEmpty(await this.#describe())
      return pageOf(
        procedures.map(({ id, type, notes }) => ({ id, type, notes })),
        query,
      )
    },
    channels: async (query) => {
      const { channels } = orEmpty(await this.#describe())
      return pageOf(
        channels.map(({ id, kind, retentionMs }) => ({ id, kind, ...defined({ retentionMs }) })),
        query,
      )
    },
  }

  readonly #items: {
    readonly [K in ListName]: (id: string, query: OpenQuery) => Promise<ListItems[K] | undefined>
  } = {
    frames: async (id) => {
      const { frames, runs } = this.#watch
      const found = frames.get(Number(id))
      if (found === undefined) return undefined
      const { ids, ...frame } = found
      const calls = { connectionId: frame.connectionId, ids }
      return { ...frame, frames: ids.length === 0 ? [] : frames.of(calls), runs: runs.of(calls) }
    },
    runs: async (id) => this.#watch.runs.open(Number(id)),
    connections: async (id) => {
      const parts = this.#connections().find((one) => one.id === id)
      return parts && toConnectionItem(parts)
    },
    topics: (id, query) => this.#openTopic(id, query),
    presence: async (id) => this.#watch.presence.open(id),
    streams: async (id) => this.#watch.streams.open(id),
    procedures: async (id) => orEmpty(await this.#describe()).procedures.find((one) => one.id === id),
    channels: async (id) => orEmpty(await this.#describe()).channels.find((one) => one.id === id),
  }

  /** The sockets, and the connections over HTTP. */
  #connections(): readonly ConnectionParts[] {
    const { connections, topics } = this.#watch
    const partsOf = (id: string) => ({ id, stored: connections.get(id), subscriptions: topics.of(id) })
    const sockets = this.#line().gateway.connections()
    return [
      ...sockets.map((socket) => ({ ...partsOf(socket.connectionId), socket })),
      ...connections.overHttp().map(partsOf),
    ]
  }

  #connectionCount(): number {
    return this.#line().gateway.connections().length + this.#watch.connections.overHttp().length
  }

  async #openTopic(id: string, { before }: OpenQuery): Promise<TopicItem | undefined> {
    const row = this.#watch.topics.get(id)
    const { slots, more } = await this.#line().backend.store.readSlotsBefore(id, before, eventsShown)
    if (row === undefined && slots.length === 0) return undefined
    const last = slots.at(-1)?.offset
    return {
      ...(row ?? { id, channel: id, subscribers: 0 }),
      events: slots.map(({ offset, time, data, erased }) => ({
        offset,
        at: time,
        ...defined({ data: data === undefined ? undefined : redact(data), erasedAt: erased }),
      })),
      subscriptions: this.#watch.topics
        .subscribersOf(id, subscribersShown)
        .map(({ topic, path, connectionId }) => ({ topic, path, connectionId })),
      ...defined({ key: keyOf(id), before: more && last !== undefined && last > 1 ? last : undefined }),
    }
  }

  /** What the entry declares, or why it could not be read. */
  async #describe(): Promise<Description | { readonly problem: string }> {
    try {
      return (await this.#application()?.describe()) ?? nothing
    } catch (error) {
      return { problem: error instanceof Error ? error.message : String(error) }
    }
  }
}

const nothing: Description = { procedures: [], channels: [] }

function orEmpty(described: Description | { readonly problem: string }): Description {
  if ('problem' in described) throw new InspectorError(502, described.problem)
  return described
}

function numbered(log: { newest(): number; count(): number }) {
  const [version, total] = [log.newest(), log.count()]
  return { total, version, ...(version > total && { dropped: version - total }) }
}

/** The rows that have all words of the search, in the given order. */
function pageOf<Row>(rows: readonly Row[], { search, offset, limit }: ListQuery): ListPage<Row> {
  const words = toPatterns(toWords(search))
  const found = words.length === 0 ? rows : rows.filter((row) => hasWords(Object.values(Object(row)).join(' '), words))
  return { rows: found.slice(offset, offset + limit), total: found.length }
}

function byAge(a: { readonly connectedAt: number }, b: { readonly connectedAt: number }): number {
  return b.connectedAt - a.connectedAt
}
