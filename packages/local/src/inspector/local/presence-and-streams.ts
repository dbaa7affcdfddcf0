import { defined } from '@trunkline/protocol'
import type { StreamRecord } from '../../emulators/dynamodb/dynamo.ts'
import type { PresenceItem, PresenceMember, PresenceRow, StreamItem, StreamRow } from '../data-source.ts'
import { member } from './frame-name.ts'
import { parseJson, putNewest, toPlainItem } from './plain-item.ts'
import { redact } from './redact.ts'
import { channelOf } from './topic-name.ts'

const mostMembers = 10_000
const mostStreams = 1_000
const shownMembers = 500

/** The members of presences, from the table's stream. */
export class PresenceRows {
  readonly #members = new Map<string, { readonly topic: string; readonly member: PresenceMember }>()

  read({ dynamodb }: Pick<StreamRecord, 'dynamodb'>): void {
    const pk = dynamodb.Keys['pk']?.S ?? ''
    const sk = dynamodb.Keys['sk']?.S ?? ''
    if (!pk.startsWith('PRES#') || !sk.startsWith('M#')) return
    const topic = pk.slice('PRES#'.length)
    const key = JSON.stringify([topic, sk])
    const present = dynamodb.NewImage && toMember(sk.slice('M#'.length), toPlainItem(dynamodb.NewImage))
    if (present === undefined) this.#members.delete(key)
    else putNewest(this.#members, [key, { topic, member: present }], mostMembers)
  }

  /** By topic. */
  rows(): readonly PresenceRow[] {
    const counts = new Map<string, number>()
    for (const { topic } of this.#members.values()) counts.set(topic, (counts.get(topic) ?? 0) + 1)
    const rows = [...counts].map(([id, members]) => ({ id, channel: channelOf(id), members }))
    return rows.sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  open(topic: string): PresenceItem | undefined {
    const people = [...this.#members.values()].flatMap((one) => (one.topic === topic ? [one.member] : []))
    if (people.length === 0) return undefined
    const shown = people.sort((a, b) => (a.member < b.member ? -1 : 1)).slice(0, shownMembers)
    return { id: topic, channel: channelOf(topic), members: people.length, people: shown }
  }
}

/** Undefined for a member without a session: the row remains after everybody has left. */
function toMember(name: string, row: Readonly<Record<string, unknown>>): PresenceMember | undefined {
  const sessions = Object.values(Object(row['sessions']) as Readonly<Record<string, unknown>>)
  const [newest] = sessions.toSorted((a, b) => Number(member(b, 'since')) - Number(member(a, 'since')))
  if (newest === undefined) return undefined
  return {
    member: name,
    data: redact(String(member(newest, 'data') ?? member(newest, 'joined') ?? 'null')),
    sessions: sessions.map((one) => ({
      connectionId: String(member(one, 'connectionId')),
      leaving: member(one, 'leaving') === true,
      leaseUntil: Number(member(one, 'lease')),
    })),
  }
}

/** The state of streams, from the slots of their logs. */
export class StreamRows {
  readonly #streams = new Map<string, StreamItem>()

  read({ dynamodb }: Pick<StreamRecord, 'dynamodb'>): void {
    const pk = dynamodb.Keys['pk']?.S ?? ''
    const state = parseJson(dynamodb.NewImage?.['state']?.S)
    if (!pk.startsWith('LOG#') || state === undefined) return
    const topic = pk.slice('LOG#'.length)
    putNewest(this.#streams, [topic, toStream(topic, state)], mostStreams)
  }

  size(): number {
    return this.#streams.size
  }

  /** The most recently changed first. */
  rows(): readonly StreamRow[] {
    return [...this.#streams.values()].reverse()
  }

  open(topic: string): StreamItem | undefined {
    return this.#streams.get(topic)
  }
}

/** Reads the state in a slot: see docs/design/table.md. */
function toStream(topic: string, state: unknown): StreamItem {
  const at = member(state, 'at')
  const outcome = member(state, 'outcome')
  const [type, code] = [member(outcome, 'type'), member(outcome, 'code')]
  return {
    id: topic,
    channel: channelOf(topic),
    state: at === 'waiting' || at === 'closed' ? at : 'running',
    chunks: Number(member(state, 'n') ?? 0),
    startedAt: Number(member(state, 'since') ?? 0),
    tries: Number(member(state, 'tries') ?? 0),
    ...defined({
      outcome: typeof type === 'string' ? type : undefined,
      error: code === undefined ? undefined : { code: String(code), message: String(member(outcome, 'message')) },
    }),
  }
}
