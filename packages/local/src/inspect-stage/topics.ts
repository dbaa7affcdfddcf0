import { defined } from '@trunkline/protocol'
import type {
  ListPage,
  ListQuery,
  OpenQuery,
  PresenceItem,
  PresenceMember,
  PresenceRow,
  StreamItem,
  StreamRow,
  TopicItem,
  TopicRow,
} from '../inspector/data-source.ts'
import { redact } from '../inspector/local/redact.ts'
import { channelOf, keyOf } from '../inspector/local/topic-name.ts'
import { request, type StageReader } from './read-only.ts'

type Store = StageReader['store']
type Slot = Awaited<ReturnType<Store['readSlotsBefore']>>['slots'][number]
type StoredMember = Awaited<ReturnType<Store['readPresences']>>['rows'][number]

const shownEvents = 50
const shownSubscribers = 100
const shownMembers = 500
const examinedSlots = 50 // chunks of a stream carry its state, too

/** The topic with exactly this name. Nothing for another text: topics have no list, and looking for one would be a scan. */
export async function findTopic(reader: StageReader, query: ListQuery): Promise<ListPage<TopicRow>> {
  const name = toTopic(query)
  const topic = name === undefined ? undefined : await openTopic(reader, name, {})
  return pageOf(topic && toTopicRow(topic))
}

function toTopicRow({ id, channel, head, subscribers }: TopicItem): TopicRow {
  return { id, channel, subscribers, ...defined({ head }) }
}

/** The events of a topic, newest first, and its first subscribers. Undefined for a topic without either. */
export async function openTopic(
  { store }: StageReader,
  id: string,
  { before }: OpenQuery,
): Promise<TopicItem | undefined> {
  const [{ slots, more }, { subscribers }] = await Promise.all([
    request('dynamodb:Query', () => store.readSlotsBefore(id, before, shownEvents)),
    request('dynamodb:Query', () => store.readSubscribers(id, 0, { limit: shownSubscribers })),
  ])
  if (slots.length === 0 && subscribers.length === 0 && before === undefined) return undefined
  const last = slots.at(-1)?.offset
  return {
    id,
    channel: channelOf(id),
    subscribers: subscribers.length, // of the first shard, and at most so many as are shown
    events: slots.map(toEvent),
    subscriptions: subscribers.map(({ topic, path, connectionId }) => ({ topic, path, connectionId })),
    ...defined({
      head: before === undefined ? slots[0]?.offset : undefined,
      key: keyOf(id),
      before: more && last !== undefined && last > 1 ? last : undefined,
    }),
  }
}

function toEvent({ offset, time, data, erased }: Slot) {
  return {
    offset,
    at: time,
    ...defined({ data: data === undefined ? undefined : redact(data), erasedAt: erased }),
  }
}

/** The presence of the topic with exactly this name. */
export async function findPresence(reader: StageReader, query: ListQuery): Promise<ListPage<PresenceRow>> {
  const name = toTopic(query)
  const found = name === undefined ? undefined : await openPresence(reader, name)
  return pageOf(found && { id: found.id, channel: found.channel, members: found.members })
}

/** The members of a presence. Undefined for a topic without members. */
export async function openPresence({ store }: StageReader, id: string): Promise<PresenceItem | undefined> {
  const { rows } = await request('dynamodb:Query', () => store.readPresences(id, { limit: shownMembers }))
  const people = rows.flatMap(toMember)
  return people.length === 0 ? undefined : { id, channel: channelOf(id), members: people.length, people }
}

/** A member without a session has left: its row remains until it expires. */
function toMember({ member, sessions }: StoredMember): readonly PresenceMember[] {
  const all = Object.values(sessions)
  const [newest] = [...all].sort((a, b) => b.since - a.since)
  if (newest === undefined) return []
  const shown = all.map(({ connectionId, leaving, lease }) => ({ connectionId, leaving, leaseUntil: lease }))
  return [{ member, data: redact(newest.data), sessions: shown }]
}

/** The stream of the topic with exactly this name. */
export async function findStream(reader: StageReader, query: ListQuery): Promise<ListPage<StreamRow>> {
  const name = toTopic(query)
  const found = name === undefined ? undefined : await openStream(reader, name)
  if (found === undefined) return { rows: [], total: 0 }
  const { tries: _, error: __, ...row } = found
  return pageOf(row)
}

interface State {
  readonly at?: string
  readonly n?: number
  readonly since?: number
  readonly tries?: number
  readonly outcome?: { readonly type?: string; readonly code?: string; readonly message?: string }
}

/** The state of a stream, from the newest slot that has one. Undefined for a topic without such a slot. */
export async function openStream({ store }: StageReader, id: string): Promise<StreamItem | undefined> {
  const { slots } = await request('dynamodb:Query', () => store.readSlotsBefore(id, undefined, examinedSlots))
  const text = slots.find(({ state }) => state !== undefined)?.state
  if (text === undefined) return undefined
  const { at, n = 0, since = 0, tries = 0, outcome } = JSON.parse(text) as State
  const { type, code, message = '' } = outcome ?? {}
  return {
    ...{ id, channel: channelOf(id), chunks: n, startedAt: since, tries },
    state: at === 'waiting' || at === 'closed' ? at : 'running',
    ...defined({ outcome: type, error: code === undefined ? undefined : { code, message } }),
  }
}

/** Undefined for a text that cannot be the name of a topic: `channel?name=s:text`. */
function toTopic({ search, offset }: ListQuery): string | undefined {
  const name = search.trim()
  return name.includes('?') && offset === 0 ? name : undefined
}

function pageOf<Row>(row: Row | undefined): ListPage<Row> {
  return row === undefined ? { rows: [], total: 0 } : { rows: [row], total: 1 }
}
