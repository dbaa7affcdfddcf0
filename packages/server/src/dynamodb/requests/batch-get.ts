import { systemClock } from '../../ports/clock.ts'
import { withDeadline } from '../../ports/deadline.ts'
import { requestDeadlineMs, type Send } from './client.ts'
import { attributesOf } from './expression.ts'
import type { Item } from './items.ts'
import type { Key } from './keys.ts'
import type { DynamoStoreOptions } from './options.ts'

/** The items that stand under some keys, read strongly; found by its key. */
export type GetMany = (keys: readonly Key[], options?: GetManyOptions) => Promise<Found>

export interface GetManyOptions {
  /** Spares the items' contents. */
  readonly keysOnly?: boolean
  /** One that is only a hint: what the table left undone of it is not asked for again. */
  readonly hint?: Key
}

/** What a read of many brought. */
export interface Found {
  get(key: Key): Item | undefined
  /** Whether the table left it undone, which only happens to a hint. */
  isLeft(key: Key): boolean
}

const maxKeys = 100 // of one request
const firstPauseMs = 25
const longestPauseMs = 1_000

const nameOf = ({ pk, sk }: Key) => JSON.stringify([pk, sk])

/** Reads at most 100 rows a request, and again what the table left undone (throttled, or beyond 16 MB), inside one deadline for all. */
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

  async function getAll(keys: readonly Key[], { projection, hint }: Asking, signal: AbortSignal) {
    const found: (Item & Key)[] = []
    const undone: Key[] = []
    let pauseMs = firstPauseMs
    for (let asked = keys; asked.length > 0; ) {
      const { items, left: all } = await getSome(asked, projection)
      const left = all.filter((key) => nameOf(key) !== hint)
      found.push(...items)
      undone.push(...all.filter((key) => !left.includes(key)))
      pauseMs = left.length < asked.length ? firstPauseMs : Math.min(2 * pauseMs, longestPauseMs)
      if (left.length > 0) await systemClock.sleep(pauseMs * systemClock.random(), signal)
      signal.throwIfAborted()
      asked = left
    }
    return { found, undone }
  }

  return async (keys, { keysOnly = false, hint } = {}) => {
    // A key that is asked twice in one request is refused.
    const distinct = [...new Map(keys.map((key) => [nameOf(key), key])).values()]
    const projection = keysOnly ? { ProjectionExpression: '#pk, #sk', ...attributesOf(['#pk, #sk'], {}) } : {}
    const asking = { projection, hint: hint && nameOf(hint) }
    const chunks = await withDeadline(requestDeadlineMs(options), (signal) =>
      Promise.all(chunksOf(distinct).map((chunk) => getAll(chunk, asking, signal))),
    )
    const items = new Map(chunks.flatMap(({ found }) => found).map((item) => [nameOf(item), item]))
    const left = new Set(chunks.flatMap(({ undone }) => undone).map(nameOf))
    return { get: (key) => items.get(nameOf(key)), isLeft: (key) => left.has(nameOf(key)) }
  }
}

interface Asking {
  readonly projection: object
  /** The hint's name. */
  readonly hint: string | undefined
}

function chunksOf(keys: readonly Key[]): readonly (readonly Key[])[] {
  return Array.from({ length: Math.ceil(keys.length / maxKeys) }, (_, index) =>
    keys.slice(index * maxKeys, (index + 1) * maxKeys),
  )
}
