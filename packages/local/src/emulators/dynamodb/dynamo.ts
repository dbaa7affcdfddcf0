import type { TableRequest } from '@trunkline/server/dynamodb'
import type { LocalClock } from '../clock.ts'
import type { Intercept } from '../idle-connections.ts'
import { acquireEngine, type Engine, isLastUser, releaseEngine } from './engine.ts'
import type { TableStream } from './rows/streams.ts'
import type { TableUse } from './rows/tables.ts'
import { defaultStreamRecords, type Tenant } from './rows/tables.ts'
import { startSweeper } from './sweeper.ts'
import { createTableMaker } from './table-maker.ts'
import { sweepExpired } from './ttl.ts'

export type { Attribute, Item, StreamViewType } from './rows/dynalite.ts'
export type { StreamRecord } from './rows/stream-record.ts'
export type { TableStream } from './rows/streams.ts'
export type { TableUse } from './rows/tables.ts'

export interface LocalDynamoOptions {
  /** The time by which this one's tables expire items and trim streams. */
  readonly clock: LocalClock
  /** Where tables live on after `close`; memory without it. Streams are always in memory and begin anew. */
  readonly dataDir?: string
  /** Shards of each stream. 4, so that order across items is nobody's luck. */
  readonly shards?: number
  /**
   * How many records each shard of a stream keeps after its mappings have read them, for readers by the API. Unread
   * ones stay, all for 24 h at most. @default 250
   */
  readonly streamRecords?: number
  /** Clock time between two automatic sweeps of expired items. 60_000; Infinity for none. */
  readonly sweepMs?: number
  /** Whether `ReturnValuesOnConditionCheckFailure: 'ALL_OLD'` is obeyed. True. */
  readonly returnsOldItem?: boolean
  /**
   * Whether a transaction is cancelled with TransactionConflict when an item of it belongs to another that is under
   * way, as in DynamoDB. False: it waits, as in DynamoDB Local.
   */
  readonly transactionConflicts?: boolean
  /** Told what each request to this one's tables consumed. */
  readonly onUse?: (use: TableUse) => void
  /** Sees each request to this one's tables before it runs. */
  readonly intercept?: Intercept
}

/** A DynamoDB on this machine, for the AWS SDK's unchanged clients. */
export interface LocalDynamo {
  /** `http://127.0.0.1:port`, for DynamoDB and for DynamoDB Streams. */
  readonly endpoint: string
  /** Creates a table through the SDK and resolves when it is ACTIVE. In a data directory, a table that is there is kept. */
  createTable(input: TableRequest): Promise<void>
  /** From now on, items whose `attribute` (a number of epoch seconds) has passed are deleted, some time later. */
  enableTtl(table: string, attribute: string): Promise<void>
  /** The stream of a table created with a `StreamSpecification`. Throws when there is none. */
  stream(table: string): TableStream
  /** Deletes what has expired by now in this one's tables; gives how many items. */
  sweep(): Promise<number>
  /**
   * Reads streams that are elsewhere; gives whether they had something new. Absent where a stream is told before its
   * writer is answered.
   */
  settled?(): Promise<boolean>
  /** Drops the tables it created, save those in a data directory; the last `close` stops the engine. */
  close(): Promise<void>
}

/** Starts a DynamoDB, or joins the one that runs in this process for the same place (memory, or a data directory). */
export async function startDynamo(options: LocalDynamoOptions): Promise<LocalDynamo> {
  const { clock, dataDir, onUse, intercept, sweepMs = 60_000, shards = 4, returnsOldItem = true } = options
  const { transactionConflicts = false, streamRecords = defaultStreamRecords } = options
  if (!Number.isSafeInteger(streamRecords) || streamRecords < 0)
    throw new TypeError(`Expected streamRecords to be a whole number from 0, got ${streamRecords}.`)
  const engine = await acquireEngine(dataDir)
  const manners = { shards, streamRecords, returnsOldItem, transactionConflicts }
  const tenant: Tenant = { clock, ...manners, ...(onUse && { onUse }), ...(intercept && { intercept }) }
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
  throw new Error(`Table ${table} has no stream: create it with StreamSpecification { StreamEnabled: true }.`)
}
