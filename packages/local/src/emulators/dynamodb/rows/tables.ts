import type { LocalClock } from '../../clock.ts'
import type { Intercept } from '../../idle-connections.ts'
import type { DynaliteDb, TableDescription } from './dynalite.ts'
import { createStreamLog, type StreamLog } from './streams.ts'

/** The capacity units that one request consumed. */
export interface TableUse {
  readonly readUnits: number
  readonly writeUnits: number
}

/** One `startDynamo`. Several tenants may share an engine, each with its own clock and settings. */
export interface Tenant {
  readonly clock: LocalClock
  /** Whether a failed condition returns the item when the request sets `ReturnValuesOnConditionCheckFailure`. */
  readonly returnsOldItem: boolean
  /** True: a transaction is cancelled while another transaction holds one of its items. False: it waits. */
  readonly transactionConflicts?: boolean
  /** The number of shards of its tables' streams. */
  readonly shards: number
  /** The number of records that each shard keeps after its mappings have read them. */
  readonly streamRecords: number
  /** Called with the consumption of each request to its tables. If absent, consumption is not measured. */
  readonly onUse?: (use: TableUse) => void
  /** Called for each request to its tables before it runs. Returns true if it handled the request itself. */
  readonly intercept?: Intercept
}

/** The default number of records that a shard keeps after its mappings have read them. */
export const defaultStreamRecords = 250

/** A table, with the state that DynamoDB has and dynalite lacks. */
export interface Table {
  readonly description: TableDescription
  /** The tenant that created it; undefined for a table that a foreign client created. */
  readonly tenant: Tenant | undefined
  readonly stream: StreamLog | undefined
  /** The TTL attribute while TTL is enabled. */
  ttl: string | undefined
}

/** The tables of one engine. A foreign client's tables belong to the oldest tenant that is still active. */
export class TableRegistry {
  readonly #tables = new Map<string, Table>()
  readonly #claims = new Map<string, Tenant>()
  readonly #tenants = new Set<Tenant>()
  readonly #itemSize: DynaliteDb['itemSize']

  constructor(itemSize: DynaliteDb['itemSize']) {
    this.#itemSize = itemSize
  }

  enter(tenant: Tenant): void {
    this.#tenants.add(tenant)
  }

  leave(tenant: Tenant): void {
    this.#tenants.delete(tenant)
  }

  /** Assigns a table to `tenant`: one that is about to be created, or one from the data directory. */
  claim(name: string, tenant: Tenant): void {
    this.#claims.set(name, tenant)
    const table = this.#tables.get(name)
    if (table !== undefined) this.#tables.set(name, { ...table, tenant })
  }

  /** Whether any tenant measures consumption. */
  isMetered(): boolean {
    return [...this.#tenants].some(({ onUse }) => onUse !== undefined)
  }

  get(name: string): Table | undefined {
    return this.#tables.get(name)
  }

  all(): readonly Table[] {
    return [...this.#tables.values()]
  }

  /** The tenant whose settings apply to a table. */
  tenantOf(table: Table | undefined): Tenant | undefined {
    return table?.tenant ?? this.#tenants.values().next().value
  }

  /** Registers a description that is about to be written, and adds the stream members that DynamoDB has. */
  describe(description: TableDescription): void {
    const name = description.TableName
    const known = this.#tables.get(name)
    const tenant = known?.tenant ?? this.#claims.get(name)
    if (description.StreamSpecification?.StreamEnabled === false) delete description.StreamSpecification
    const table = {
      description,
      tenant,
      stream: known?.stream ?? this.#openStream(description, tenant),
      ttl: known?.ttl,
    }
    this.#tables.set(name, table)
  }

  drop(name: string): void {
    this.#tables.delete(name)
    this.#claims.delete(name)
  }

  #openStream(description: TableDescription, creator: Tenant | undefined): StreamLog | undefined {
    if (description.StreamSpecification === undefined) return undefined
    const now = () => (this.tenantOf(this.get(description.TableName)) ?? creator)?.clock.now() ?? Date.now()
    const createdAt = (creator ?? this.tenantOf(undefined))?.clock.now() ?? Date.now()
    description.LatestStreamLabel ??= new Date(createdAt).toISOString().slice(0, -1)
    description.LatestStreamArn ??= `${description.TableArn}/stream/${description.LatestStreamLabel}`
    return createStreamLog(description, {
      now,
      createdAt,
      shards: creator?.shards ?? 4,
      keptRecords: creator?.streamRecords ?? defaultStreamRecords,
      itemSize: this.#itemSize,
    })
  }
}
