import { systemClock } from '../../ports/clock.ts'
import { withDeadline } from '../../sdk/request-deadline.ts'
import { requestDeadlineMs, type Send } from './client.ts'
import { attributesOf } from './expression.ts'
import type { Item } from './items.ts'
import type { Key } from './keys.ts'
import type { DynamoStoreOptions } from './options.ts'

/** Reads the items of some keys with strong consistency. */
export type GetMany = (keys: readonly Key[], options?: GetManyOptions) => Promise<Found>

export interface GetManyOptions {
  /** Returns the keys of the items only. @default false */
  readonly keysOnly?: boolean
  /** A key whose item is only a hint: if the table leaves it unprocessed, it is not requested again. */
  readonly hint?: Key
}

/** The result of a batch read. */
export interface Found {
  get(key: Key): Item | undefined
  /** Whether the table left the key unprocessed, which is final only for a hint. */
  isUnprocessed(key: Key): boolean
}

const maxKeys = 100 // of one BatchGetItem request
const firstPauseMs = 25
const longestPauseMs = 1_000

const nameOf = ({ pk, sk }: Key) => JSON.stringify([pk, sk])

/**
 * Reads at most 100 items a request, and requests again what the table left unprocessed (throttled, or beyond 16 MB).
 * One deadline covers all requests.
 */
export function createBatchGet(send: Send, options: DynamoStoreOptions): GetMany {
  const { table } = options

  async function getSome(keys: readonly Key[], projection: object) {
    const request = { Keys: [...keys], ConsistentRead: true, ...projection }
    const { Responses, UnprocessedKeys } = await send((client, sdk, abortSignal) =>
      client.send(new sdk.BatchGetCommand({ RequestItems: { [table]: request } }), { abortSignal }),
    )
    return {
      items: (Responses?.[table] ?? []) as (Item & Key)[],
      left: (UnprocessedKeys?.[table]?.Keys ?? []) as Key[],
    }
  }

  async function getAll(keys: readonly Key[], { projection, hint }: Question, signal: AbortSignal) {
    const found: (Item & Key)[] = []
    const unprocessed: Key[] = []
    let pauseMs = firstPauseMs
    for (let asked = keys; asked.length > 0; ) {
      const { items, left: all } = await getSome(asked, projection)
      const left = all.filter((key) => nameOf(key) !== hint)
      found.push(...items)
      unprocessed.push(...all.filter((key) => !left.includes(key)))
      pauseMs = left.length < asked.length ? firstPauseMs : Math.min(2 * pauseMs, longestPauseMs)
      if (left.length > 0) await systemClock.sleep(pauseMs * systemClock.random(), signal)
      signal.throwIfAborted()
      asked = left
    }
    return { found, unprocessed }
  }

  return async (keys, { keysOnly = false, hint } = {}) => {
    // DynamoDB rejects a request that has a key twice.
    const distinct = [...new Map(keys.map((key) => [nameOf(key), key])).values()]
    const projection = keysOnly ? { ProjectionExpression: '#pk, #sk', ...attributesOf(['#pk, #sk'], {}) } : {}
    const question = { projection, hint: hint && nameOf(hint) }
    const chunks = await withDeadline(requestDeadlineMs(options), (signal) =>
      Promise.all(chunksOf(distinct).map((chunk) => getAll(chunk, question, signal))),
    )
    const items = new Map(chunks.flatMap(({ found }) => found).map((item) => [nameOf(item), item]))
    const left = new Set(chunks.flatMap(({ unprocessed }) => unprocessed).map(nameOf))
    return { get: (key) => items.get(nameOf(key)), isUnprocessed: (key) => left.has(nameOf(key)) }
  }
}

interface Question {
  readonly projection: object
  /** The name of the hint's key. */
  readonly hint: string | undefined
}

function chunksOf(keys: readonly Key[]): readonly (readonly Key[])[] {
  return Array.from({ length: Math.ceil(keys.length / maxKeys) }, (_, index) =>
    keys.slice(index * maxKeys, (index + 1) * maxKeys),
  )
}
