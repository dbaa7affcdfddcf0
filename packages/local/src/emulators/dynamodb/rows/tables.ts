import type { LocalClock } from '../../clock.ts'
import type { Intercept } from '../../idle-connections.ts'
import type { DynaliteDb, TableDescription } from './dynalite.ts'
import { createStreamLog, type StreamLog } from './streams.ts'

/** What one request to a table consumed, in capacity units of DynamoDB. */
export interface TableUse {
  readonly readUnits: number
  readonly writeUnits: number
}

/** One `startDynamo`: several may share an engine, each with its own time and manners. */
export interface Tenant {
  readonly clock: LocalClock
  /** Answer a failed condition with the item, when asked by `ReturnValuesOnConditionCheckFailure`. */
  readonly returnsOldItem: boolean
  /** An item of a transaction under way cancels the next transaction with it, instead of letting it wait. */
  readonly transactionConflicts?: boolean
  /** How many shards the streams of its tables have. */
  readonly shards: number
  /** How many records each shard keeps after its mappings have read them. */
  readonly streamRecords: number
  /** Told what each request to its tables consumed. Absent, nothing is measured. */
  readonly onUse?: (use: TableUse) => void
  /** Sees each request to its tables before it runs. */
  readonly intercept?: Intercept
}

/** How many records a shard keeps after its mappings have read them, unless it is set. */
export const defaultStreamRecords = 250

/** A table and what DynamoDB has beside it and dynalite has not. */
export interface Table {
  readonly description: TableDescription
  /** Who created it through `LocalDynamo`; absent for a table made by a foreign client. */
  readonly tenant: Tenant | undefined
  readonly stream: StreamLog | undefined
  /** The TTL attribute, while TTL is enabled. */
  ttl: string | undefined
}

/** The tables of one engine. A foreign client's tables belong to the tenant that came first and is still there. */
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

  /** The table of this name that is about to be created, or that came with the data directory, is `tenant`'s. */
  claim(name: string, tenant: Tenant): void {
    this.#claims.set(name, tenant)
    const table = this.#tables.get(name)
    if (table !== undefined) this.#tables.set(name, { ...table, tenant })
  }

  /** Whether anyone wants to hear what requests consume. */
  isMetered(): boolean {
    return [...this.#tenants].some(({ onUse }) => onUse !== undefined)
  }

  get(name: string): Table | undefined {
    return this.#tables.get(name)
  }

  all(): readonly Table[] {
    return [...this.#tables.values()]
  }

  /** Whose manners a table has. */
  tenantOf(table: Table | undefined): Tenant | undefined {
    return table?.tenant ?? this.#tenants.values().next().value
  }

  /** Takes a description as it is about to be written, and adds to it what DynamoDB says of a table's stream. */
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
