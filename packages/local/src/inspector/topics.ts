import { defined } from '@trunkline/protocol'
import type { Item, StreamRecord } from '../emulators/dynamodb/dynamo.ts'
import type { SubscriptionView, TopicView } from './view.ts'

/** The state of topics, derived from the table's stream: the heads of their logs and their subscribers. */
export interface Topics {
  read(record: Pick<StreamRecord, 'eventName' | 'dynamodb'>): void
  /** Removes a closed connection's subscriptions, even if its rows remain. */
  remove(connectionId: string): void
  of(connectionId: string): readonly SubscriptionView[]
  /** Topics, the most recently changed first. */
  view(): readonly TopicView[]
}

const most = 200 // topics kept

/** Reads rows by their keys, in the format of the server's `dynamodb` adapter. */
export function createTopics(): Topics {
  const heads = new Map<string, number | undefined>() // ordered by last change
  const subscriptions = new Map<string, Map<string, SubscriptionView>>()

  function touch(topic: string, head = heads.get(topic)): void {
    heads.delete(topic)
    heads.set(topic, head)
    const [oldest] = heads.keys()
    if (heads.size > most && oldest !== undefined) heads.delete(oldest)
  }
  function readSubscriber(topic: string, sk: string, row: Item | undefined): void {
    const connectionId = sk.slice(0, sk.indexOf('#'))
    const own = subscriptions.get(connectionId) ?? new Map<string, SubscriptionView>()
    if (row?.['on']?.BOOL === true) own.set(`${topic} ${sk}`, { topic, path: row['path']?.S ?? '' })
    else own.delete(`${topic} ${sk}`)
    if (own.size > 0) subscriptions.set(connectionId, own)
    else subscriptions.delete(connectionId)
    touch(topic)
  }
  function listeners(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const own of subscriptions.values())
      for (const { topic } of own.values()) counts.set(topic, (counts.get(topic) ?? 0) + 1)
    return counts
  }
  return {
    read({ eventName, dynamodb }) {
      const sk = dynamodb.Keys['sk']?.S ?? ''
      const [kind, rest] = splitAt(dynamodb.Keys['pk']?.S ?? '', '#')
      if (kind === 'LOG' && eventName === 'INSERT') touch(rest, Math.max(Number(sk), heads.get(rest) ?? 0))
      if (kind === 'SUBS' && sk.includes('#', 1))
        readSubscriber(rest.slice(0, rest.lastIndexOf('#')), sk, dynamodb.NewImage)
    },
    remove: (connectionId) => void subscriptions.delete(connectionId),
    of: (connectionId) => [...(subscriptions.get(connectionId)?.values() ?? [])],
    view() {
      const counts = listeners()
      const toView = ([topic, head]: readonly [string, number | undefined]) =>
        defined({ topic, subscribers: counts.get(topic) ?? 0, head })
      return [...heads].map(toView).reverse()
    },
  }
}

function splitAt(text: string, mark: string): readonly [string, string] {
  const at = text.indexOf(mark)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}
