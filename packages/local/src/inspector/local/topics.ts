import { defined } from '@trunkline/protocol'
import type { Item, StreamRecord } from '../../emulators/dynamodb/dynamo.ts'
import type { SubscriptionView, TopicRow } from '../data-source.ts'
import { putNewest, toPlainItem } from './plain-item.ts'
import { channelOf } from './topic-name.ts'

/** A subscription's row under its topic. */
export interface SubscriberRow extends SubscriptionView {
  readonly pk: string
  readonly sk: string
}

const most = 10_000 // topics kept

/**
 * The state of topics, derived from the table's stream: the heads of their logs and their subscribers. It reads rows by
 * their keys, in the format of the server's `dynamodb` adapter.
 */
export class Topics {
  readonly #heads = new Map<string, number | undefined>() // ordered by last change
  readonly #subscriptions = new Map<string, Map<string, SubscriberRow>>()
  readonly #counts = new Map<string, number>()

  read({ eventName, dynamodb }: Pick<StreamRecord, 'eventName' | 'dynamodb'>): void {
    const pk = dynamodb.Keys['pk']?.S ?? ''
    const sk = dynamodb.Keys['sk']?.S ?? ''
    const [kind, rest] = splitAt(pk, '#')
    if (kind === 'LOG' && eventName === 'INSERT') this.#touch(rest, Math.max(Number(sk), this.#heads.get(rest) ?? 0))
    if (kind !== 'SUBS' || !sk.includes('#', 1)) return
    this.#readSubscriber({ pk, sk }, rest.slice(0, rest.lastIndexOf('#')), dynamodb.NewImage)
  }

  /** Removes a closed connection's subscriptions, even if its rows remain. */
  remove(connectionId: string): void {
    for (const { topic } of this.of(connectionId)) this.#count(topic, -1)
    this.#subscriptions.delete(connectionId)
  }

  of(connectionId: string): readonly SubscriberRow[] {
    return [...(this.#subscriptions.get(connectionId)?.values() ?? [])]
  }

  /** The first `limit` subscriptions of a topic. */
  subscribersOf(topic: string, limit: number): readonly SubscriberRow[] {
    const found: SubscriberRow[] = []
    for (const own of this.#subscriptions.values())
      for (const row of own.values()) if (row.topic === topic && found.push(row) >= limit) return found
    return found
  }

  size(): number {
    return this.#heads.size
  }

  get(topic: string): TopicRow | undefined {
    return this.#heads.has(topic) ? this.#toRow(topic) : undefined
  }

  /** The most recently changed first. */
  rows(): readonly TopicRow[] {
    return [...this.#heads.keys()].reverse().map((topic) => this.#toRow(topic))
  }

  #toRow(topic: string): TopicRow {
    const head = this.#heads.get(topic)
    return { id: topic, channel: channelOf(topic), subscribers: this.#counts.get(topic) ?? 0, ...defined({ head }) }
  }

  #touch(topic: string, head = this.#heads.get(topic)): void {
    putNewest(this.#heads, [topic, head], most)
  }

  #readSubscriber({ pk, sk }: Pick<SubscriberRow, 'pk' | 'sk'>, topic: string, image: Item | undefined): void {
    const row = toPlainItem(image ?? {})
    const connectionId = sk.slice(0, sk.indexOf('#'))
    const own = this.#subscriptions.get(connectionId) ?? new Map<string, SubscriberRow>()
    const name = `${topic} ${sk}`
    const before = own.delete(name) ? 1 : 0
    if (row['on'] === true) own.set(name, { pk, sk, topic, path: String(row['path'] ?? ''), connectionId })
    this.#count(topic, (row['on'] === true ? 1 : 0) - before)
    if (own.size > 0) this.#subscriptions.set(connectionId, own)
    else this.#subscriptions.delete(connectionId)
    this.#touch(topic)
  }

  #count(topic: string, add: number): void {
    const count = (this.#counts.get(topic) ?? 0) + add
    if (count > 0) this.#counts.set(topic, count)
    else this.#counts.delete(topic)
  }
}

function splitAt(text: string, mark: string): readonly [string, string] {
  const at = text.indexOf(mark)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}
