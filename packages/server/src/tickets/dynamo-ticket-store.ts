import { randomUUID } from 'node:crypto'
import { withDocs } from '@trunkline/protocol'
import { ticketKey } from '../dynamodb/requests/keys.ts'
import type { DynamoStoreOptions } from '../dynamodb/requests/options.ts'
import { createRequests, type Requests } from '../dynamodb/requests/requests.ts'
import type { TicketStore } from './ticket-store.ts'

/** The table of the tickets, and how to connect to it. */
export interface DynamoTicketOptions extends Partial<Omit<DynamoStoreOptions, 'log' | 'clock'>> {
  /** The table's name: a line's table, or another one with the keys `pk` and `sk`. @default TRUNKLINE_TABLE */
  readonly table?: string
}

/**
 * A store in a DynamoDB table. A used ticket is a row `TICKET#<id>`, put under the condition that there is none, which
 * TTL on `expires` deletes. The AWS SDK is imported with the first ticket. `redeem` rejects if the table cannot be
 * reached, and if no table is named.
 */
export function dynamoTicketStore(options: DynamoTicketOptions = {}): TicketStore {
  let requests: Requests | undefined
  return {
    async redeem(id, expires) {
      requests ??= createRequests({ ...options, table: options.table ?? tableOfEnvironment() })
      const by = randomUUID()
      const write = await requests.put({ ...ticketKey(id), by, expires }, 'attribute_not_exists(#pk)')
      // A repeated request meets the row that it wrote itself [LAW-SLOT-PUT].
      return write.written || (await write.find())?.['by'] === by
    },
  }
}

function tableOfEnvironment(): string {
  const table = process.env['TRUNKLINE_TABLE']
  if (table) return table
  throw new Error(withDocs('environment', 'No table for tickets: set TRUNKLINE_TABLE to its name, or pass `table`.'))
}
