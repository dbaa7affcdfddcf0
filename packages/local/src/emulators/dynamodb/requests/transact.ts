// One file over 200 lines: locking, trying, committing and answering a transaction share its private types.

import { createHash } from 'node:crypto'
import { defined } from '@trunkline/protocol'
import type { BatchWrite, DynaliteStore, Item } from '../rows/dynalite.ts'
import type { Tenant } from '../rows/tables.ts'
import { ApiError, type ApiInput, isStruct, type Operation } from './api-error.ts'
import { runCall } from './call.ts'
import {
  actionKinds,
  mostBytes,
  type PreparedItem,
  prepareItems,
  type TransactContext,
  tooLarge,
} from './transact-items.ts'

const tokenMs = 600_000 // 10 min: how long a ClientRequestToken identifies its request
const longestToken = 36
const unitsFactor = 2 // a transaction reads or writes each item twice

/** The outcome of one item of a transaction. */
type Outcome =
  | {
      readonly status: 'done'
      readonly units: number
      readonly writes: readonly BatchWrite[]
      readonly change?: Change
    }
  | { readonly status: 'failed'; readonly reason: Reason }

interface Change {
  readonly table: string
  readonly old: Item | undefined
  readonly new: Item | undefined
}

/** An entry of `CancellationReasons`. */
interface Reason {
  readonly Code: string
  readonly Message?: string
  readonly Item?: Item
}

/**
 * `TransactWriteItems` and `TransactGetItems`, which dynalite lacks. A transaction acquires the locks of all its items
 * in a fixed order, runs dynalite's own action for each item on a store that only records writes, and then applies all
 * recorded writes as one LevelDB batch. Other requests never see a part of a transaction.
 */
export function transactOperations(
  parts: TransactContext,
): Record<'TransactWriteItems' | 'TransactGetItems', Operation> {
  const tokens = new Map<
    string,
    { readonly digest: string; readonly expires: number; readonly done: Promise<unknown> }
  >()
  const inUse = new Set<string>()

  async function write(input: ApiInput): Promise<object> {
    const items = await prepareItems(parts, input, 'write')
    const tenant = parts.tables.tenantOf(parts.tables.get(items[0]?.table ?? ''))
    cancelConflicts(items, tenant)
    return locked(items, async () => {
      const outcomes = await Promise.all(items.map((item) => tryItem(parts, item)))
      cancelIfFailed(outcomes)
      await commit(parts, outcomes)
      return consumed(input, 'WriteCapacityUnits', { items, outcomes })
    })
  }
  /**
   * If the tenant enables `transactionConflicts`, a transaction is cancelled immediately while another one holds one of
   * its items, as in DynamoDB.
   */
  function cancelConflicts(items: readonly PreparedItem[], tenant: Tenant | undefined): void {
    if (tenant?.transactionConflicts !== true) return
    const outcomes = items.map(({ lock }): Outcome => {
      const reason = { Code: 'TransactionConflict', Message: 'Transaction is ongoing for the item' }
      return inUse.has(lock) ? { status: 'failed', reason } : { status: 'done', units: 0, writes: [] }
    })
    cancelIfFailed(outcomes)
  }
  async function locked<T>(items: readonly PreparedItem[], run: () => Promise<T>): Promise<T> {
    const inOrder = [...items].sort((a, b) => (a.lock < b.lock ? -1 : 1))
    for (const { lock } of items) inUse.add(lock)
    const unlocks: (() => void)[] = []
    try {
      for (const item of inOrder) unlocks.push(await lockItem(parts.store, item))
      return await run()
    } finally {
      for (const unlock of unlocks.reverse()) unlock()
      for (const { lock } of items) inUse.delete(lock)
    }
  }
  return {
    async TransactWriteItems(input) {
      const token = readToken(input)
      if (token === undefined) return write(input)
      const now = (parts.tables.tenantOf(undefined)?.clock.now ?? Date.now)()
      for (const [name, { expires }] of tokens) if (expires <= now) tokens.delete(name)
      const digest = digestOf(input)
      const known = tokens.get(token)
      if (known !== undefined) return repeat(parts, input, { ...known, requested: digest })
      const done = write(input)
      tokens.set(token, { digest, expires: now + tokenMs, done })
      return done.catch((error: unknown) => {
        tokens.delete(token) // the transaction had no effect, so the token identifies no request
        throw error
      })
    },
    async TransactGetItems(input) {
      const items = await prepareItems(parts, input, 'read')
      return locked(items, async () => {
        const read = await Promise.all(items.map((item) => readItem(parts, item)))
        cancelIfFailed(read.map(({ outcome }) => outcome))
        const bytes = read.reduce((sum, { item }) => sum + (item === undefined ? 0 : parts.db.itemSize(item)), 0)
        if (bytes > mostBytes) throw tooLarge(bytes)
        const outcomes = read.map(({ outcome }) => outcome)
        return {
          ...consumed(input, 'ReadCapacityUnits', { items, outcomes }),
          Responses: read.map(({ item }) => defined({ Item: item })),
        }
      })
    },
  }
}

/**
 * Handles a repeated token: the same result, charged as a read of the written items, or an error if the request
 * differs.
 */
async function repeat(
  parts: TransactContext,
  input: ApiInput,
  known: { readonly digest: string; readonly requested: string; readonly done: Promise<unknown> },
): Promise<object> {
  if (known.digest !== known.requested)
    throw new ApiError(
      'IdempotentParameterMismatchException',
      'The ClientRequestToken was used before, within the last 10 minutes, with other parameters.',
    )
  await known.done
  const items = await prepareItems(parts, input, 'write')
  const outcomes = items.map((): Outcome => ({ status: 'done', units: 1, writes: [] }))
  return consumed(input, 'ReadCapacityUnits', { items, outcomes })
}

function readToken({ ClientRequestToken: token }: ApiInput): string | undefined {
  if (token == null || token === '') return undefined
  if (typeof token === 'string' && token.length <= longestToken) return token
  throw new ApiError(
    'ValidationException',
    `1 validation error detected: Value '${String(token)}' at 'clientRequestToken' failed to satisfy constraint: ` +
      `Member must have length less than or equal to ${longestToken}`,
  )
}

function digestOf({ TransactItems }: ApiInput): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(TransactItems)))
    .digest('base64')
}

/** Sorts members, whose order is irrelevant. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isStruct(value)) return value
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => [name, sorted(member)])
}

function lockItem(store: DynaliteStore, { table, key }: PreparedItem): Promise<() => void> {
  return new Promise((resolve) => {
    store.getItemDb(table).lock(key, (release) => resolve(release(() => {})))
  })
}

/** Runs dynalite's action for one item, under its lock, on a store that records writes. */
async function tryItem(parts: TransactContext, item: PreparedItem): Promise<Outcome> {
  const recorded = recordWrites(parts.store, item)
  try {
    const { ConsumedCapacity } = await runAction(parts, item, recorded.store)
    const units = isStruct(ConsumedCapacity) ? Number(ConsumedCapacity.CapacityUnits) : 0
    if (item.kind === 'ConditionCheck') return { status: 'done', units, writes: [] }
    return { status: 'done', units, writes: recorded.writes, change: { table: item.table, ...recorded.change() } }
  } catch (error) {
    return { status: 'failed', reason: toReason(error) }
  }
}

async function readItem(
  parts: TransactContext,
  item: PreparedItem,
): Promise<{ readonly outcome: Outcome; readonly item?: Item }> {
  try {
    const { Item: found, ConsumedCapacity } = await runAction(parts, item, parts.store)
    const units = isStruct(ConsumedCapacity) ? Number(ConsumedCapacity.CapacityUnits) : 0
    const outcome: Outcome = { status: 'done', units, writes: [] }
    return defined({ outcome, item: found as Item | undefined })
  } catch (error) {
    return { outcome: { status: 'failed', reason: toReason(error) } }
  }
}

function runAction({ tables }: TransactContext, item: PreparedItem, store: DynaliteStore): Promise<ApiInput> {
  const { problem, data, kind } = item
  if (problem !== undefined) return Promise.reject(problem)
  return new Promise((resolve, reject) => {
    runCall({ tables, fail: reject }, () => {
      const action = actionKinds[kind].load()
      action(store, { ...data, ConsistentRead: true, ReturnConsumedCapacity: 'TOTAL' }, (error, result) => {
        if (error) reject(error)
        else resolve(isStruct(result) ? result : {})
      })
    })
  })
}

/** Creates a store that reads from the real one and records its writes. The locks are already held. */
function recordWrites(store: DynaliteStore, { table, key }: PreparedItem) {
  const writes: BatchWrite[] = []
  const images: { old: Item | undefined; new: Item | undefined } = { old: undefined, new: undefined }
  const record = (prefix: string) => ({
    put(at: string, value: unknown, done: () => void) {
      writes.push({ type: 'put', key: `${prefix}~${at}`, value })
      done()
    },
    del(at: string, done: () => void) {
      writes.push({ type: 'del', key: `${prefix}~${at}` })
      done()
    },
  })
  const items = record(`item-${table}`)
  const itemDb = {
    lock: (_: string, exec: (release: (done: () => void) => () => void) => void) => exec((done) => done),
    get(at: string, done: (error?: Error | null, item?: Item) => void) {
      store.getItemDb(table).get(at, (error, item) => {
        if (at === key) images.old = item
        done(error, item)
      })
    },
    put(at: string, item: Item, done: () => void) {
      images.new = item
      items.put(at, item, done)
    },
    del: items.del,
  }
  const recording: DynaliteStore = Object.assign(Object.create(store), {
    getItemDb: () => itemDb,
    getIndexDb: (kind: string, of: string, index: string) => record(`index-${kind.toLowerCase()}~${of}~${index}`),
  })
  return { store: recording, writes, change: () => ({ ...images }) }
}

async function commit({ store, tables }: TransactContext, outcomes: readonly Outcome[]): Promise<void> {
  const done = outcomes.flatMap((outcome) => (outcome.status === 'done' ? [outcome] : []))
  const writes = done.flatMap((outcome) => outcome.writes)
  if (writes.length > 0) await store.db.batch(writes)
  for (const { change } of done) {
    if (change === undefined) continue
    tables.get(change.table)?.stream?.append({ old: change.old, new: change.new, expiry: false })
  }
}

function cancelIfFailed(outcomes: readonly Outcome[]): void {
  if (outcomes.every(({ status }) => status === 'done')) return
  const reasons = outcomes.map((outcome): Reason => (outcome.status === 'done' ? { Code: 'None' } : outcome.reason))
  const codes = reasons.map(({ Code }) => Code).join(', ')
  throw new ApiError(
    'TransactionCanceledException',
    `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`,
    { more: { CancellationReasons: reasons } },
  )
}

/**
 * Converts an error about an item's own state to a cancellation reason. Any other error is a bug of dynalite and is
 * rethrown.
 */
function toReason(error: unknown): Reason {
  const body = isStruct(error) ? error['body'] : undefined
  if (!isStruct(body) || typeof body.message !== 'string') throw error
  const type = String(body.__type).split('#')[1]
  const Message = body.message
  if (type === 'ValidationException') return { Code: 'ValidationError', Message }
  if (type !== 'ConditionalCheckFailedException') throw error
  return { Code: 'ConditionalCheckFailed', Message, ...(isStruct(body.Item) && { Item: body.Item as Item }) }
}

/** `ConsumedCapacity` per table, if the request asks for it. */
function consumed(
  { ReturnConsumedCapacity: detail }: ApiInput,
  member: 'ReadCapacityUnits' | 'WriteCapacityUnits',
  { items, outcomes }: { readonly items: readonly PreparedItem[]; readonly outcomes: readonly Outcome[] },
): { readonly ConsumedCapacity?: readonly object[] } {
  if (detail !== 'TOTAL' && detail !== 'INDEXES') return {}
  const byTable = new Map<string, number>()
  for (const [at, { table }] of items.entries()) {
    const outcome = outcomes[at]
    const units = outcome?.status === 'done' ? outcome.units * unitsFactor : 0
    byTable.set(table, (byTable.get(table) ?? 0) + units)
  }
  const ConsumedCapacity = [...byTable].map(([TableName, CapacityUnits]) => {
    const units = { CapacityUnits, [member]: CapacityUnits }
    return { TableName, ...units, ...(detail === 'INDEXES' && { Table: units }) }
  })
  return { ConsumedCapacity }
}
