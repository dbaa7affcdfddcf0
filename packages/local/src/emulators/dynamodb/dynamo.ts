import { defined } from '@trunkline/protocol'
import type { TableRequest } from '@trunkline/server/dynamodb'
import type { LocalClock } from '../clock.ts'
import type { Intercept } from '../idle-connections.ts'
import { acquireEngine, type Engine, isLastUser, releaseEngine } from './engine.ts'
import type { TableStream } from './rows/streams.ts'
import { defaultStreamRecords, type TableUse, type Tenant } from './rows/tables.ts'
import { createTableMaker } from './table-maker.ts'
import { sweepExpired } from './ttl.ts'

export type { Item } from './rows/dynalite.ts'
export type { StreamRecord } from './rows/stream-record.ts'
export type { TableStream } from './rows/streams.ts'
export type { TableUse } from './rows/tables.ts'

export interface LocalDynamoOptions {
  /** The clock by which its tables expire items and trim streams. */
  readonly clock: LocalClock
  /** The folder that keeps tables after `close`. Streams are always in memory and start empty. @default memory */
  readonly dataDir?: string
  /** The number of shards of each stream. Several, so that no application relies on order across items. @default 4 */
  readonly shards?: number
  /**
   * The number of records that each shard of a stream keeps after its mappings have read them, for readers that use the
   * API. Unread records are kept, and every record for at most 24 h. @default 250
   */
  readonly streamRecords?: number
  /**
   * Clock time between two automatic sweeps of expired items, in milliseconds. Infinity disables them. @default 60_000
   */
  readonly sweepMs?: number
  /** Whether `ReturnValuesOnConditionCheckFailure: 'ALL_OLD'` is honoured. @default true */
  readonly returnsOldItem?: boolean
  /**
   * True: a transaction is cancelled with TransactionConflict while another transaction holds one of its items, as in
   * DynamoDB. False: it waits, as in DynamoDB Local. @default false
   */
  readonly transactionConflicts?: boolean
  /** Called with the consumption of each request to its tables. */
  readonly onUse?: (use: TableUse) => void
  /** Called for each request to its tables before it runs. Returns true if it handled the request itself. */
  readonly intercept?: Intercept
}

/** A DynamoDB on this machine, for unchanged clients of the AWS SDK. */
export interface LocalDynamo {
  /** `http://127.0.0.1:port`, for DynamoDB and for DynamoDB Streams. */
  readonly endpoint: string
  /** Creates a table through the SDK and resolves when it is ACTIVE. An existing table in a data directory is kept. */
  createTable(input: TableRequest): Promise<void>
  /** Enables TTL: items whose `attribute` (a number of epoch seconds) has passed are deleted some time later. */
  enableTtl(table: string, attribute: string): Promise<void>
  /** The stream of a table created with a `StreamSpecification`. Throws when the table has none. */
  stream(table: string): TableStream
  /** Deletes the expired items of its tables. Resolves to the number of deleted items. */
  sweep(): Promise<number>
  /**
   * Reads remote streams. Resolves to true if they had new records. Absent where a stream's listeners run before its
   * writer gets a response.
   */
  settled?(): Promise<boolean>
  /** Drops the tables that it created, except those in a data directory. The last `close` stops the engine. */
  close(): Promise<void>
}

/** Starts a DynamoDB, or joins the one that runs in this process for the same storage (memory, or a data directory). */
export async function startDynamo(options: LocalDynamoOptions): Promise<LocalDynamo> {
  const { clock, dataDir, onUse, intercept, sweepMs = 60_000, shards = 4, returnsOldItem = true } = options
  const { transactionConflicts = false, streamRecords = defaultStreamRecords } = options
  if (!Number.isSafeInteger(streamRecords) || streamRecords < 0)
    throw new TypeError(`Expected streamRecords to be a whole number from 0, got ${streamRecords}.`)
  const engine = await acquireEngine(dataDir)
  const settings = { shards, streamRecords, returnsOldItem, transactionConflicts }
  const tenant: Tenant = { clock, ...settings, ...defined({ onUse, intercept }) }
  engine.tables.enter(tenant)
  const maker = createTableMaker(engine.endpoint)
  const sweep = () => sweepExpired(engine, tenant)
  const stopSweeper = Number.isFinite(sweepMs) ? startSweeper(clock, sweepMs, sweep) : async () => {}
  let closed: Promise<void> | undefined

  async function close(): Promise<void> {
    await stopSweeper()
    if (dataDir === undefined && !isLastUser(dataDir)) await maker.dropAll()
    maker.close()
    engine.tables.leave(tenant)
    await releaseEngine(dataDir)
  }
  return {
    endpoint: engine.endpoint,
    createTable: async (input) => {
      const name = input.TableName
      const isNew = engine.tables.get(name) === undefined
      if (isNew || dataDir !== undefined) engine.tables.claim(name, tenant)
      if (isNew || dataDir === undefined) await maker.create(input)
    },
    enableTtl: (table, attribute) => engine.setTtl(table, attribute),
    stream: (table) => streamOf(engine, table),
    sweep,
    close: () => {
      closed ??= close()
      return closed
    },
  }
}

function streamOf(engine: Engine, table: string): TableStream {
  const stream = engine.tables.get(table)?.stream
  if (stream !== undefined) return stream
  throw new Error(`Table ${table} has no stream. Create it with StreamSpecification { StreamEnabled: true }.`)
}

/**
 * Sweeps every `everyMs` of the clock; time that is moved in one step causes one sweep. A sweep that falls due while
 * one runs starts after it. Returns a function that stops the sweeper and awaits the running sweep.
 */
function startSweeper(clock: LocalClock, everyMs: number, sweep: () => Promise<unknown>): () => Promise<void> {
  let running: Promise<void> | undefined
  let again = false
  let cancel = clock.after(everyMs, tick, { quiet: true })

  function tick(): void {
    cancel = clock.after(everyMs, tick, { quiet: true })
    again = true
    running ??= run()
  }
  async function run(): Promise<void> {
    for (; again; ) {
      again = false
      await sweep().catch(() => {}) // the next sweep finds the same items
    }
    running = undefined
  }
  return async () => {
    cancel()
    again = false
    await running
  }
}
