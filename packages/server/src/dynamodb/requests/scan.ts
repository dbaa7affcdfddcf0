import type { ScanCommandInput } from '@aws-sdk/lib-dynamodb'
import { defined } from '@trunkline/protocol'
import type { Send } from './client.ts'
import { attributesOf } from './expression.ts'
import type { Item } from './items.ts'
import type { Key } from './keys.ts'

/** One page of a scan: the keys of the items that the filter keeps, and how many items were read. */
interface ScannedPage {
  readonly items: readonly Item[]
  readonly examined: number
  readonly last: Key | undefined
}

/** The requests that read the whole table. */
export interface Scan {
  /** One strongly consistent page, which continues after `from`. */
  scan(options: {
    readonly filter: string
    readonly values: Readonly<Record<string, unknown>>
    readonly from: Key | undefined
  }): Promise<ScannedPage>
  /**
   * The number of items that DynamoDB last counted, some six hours ago or less. Where that is none, since the table is
   * young, all items are counted, which reads the whole table.
   */
  countItems(): Promise<number>
}

export function createScan(send: Send, TableName: string): Scan {
  return {
    async scan({ filter, values, from }) {
      const sdk = await import('./erasure-sdk.ts')
      const keys = '#pk, #sk'
      const input: ScanCommandInput = {
        TableName,
        ConsistentRead: true,
        FilterExpression: filter,
        ProjectionExpression: keys,
        ...attributesOf([filter, keys], values),
        ...defined({ ExclusiveStartKey: from }),
      }
      const page = await send((client, _, abortSignal) => client.send(new sdk.ScanCommand(input), { abortSignal }))
      const { Items = [], ScannedCount: examined = 0, LastEvaluatedKey } = page
      return { items: Items, examined, last: LastEvaluatedKey as Key | undefined } // the table's own key
    },
    async countItems() {
      const sdk = await import('./erasure-sdk.ts')
      const { Table } = await send((client, _, abortSignal) =>
        client.send(new sdk.DescribeTableCommand({ TableName }), { abortSignal }),
      )
      if (Table?.ItemCount) return Table.ItemCount
      let counted = 0
      for (let from: Key | undefined, more = true; more; more = from !== undefined) {
        const input: ScanCommandInput = { TableName, Select: 'COUNT', ...defined({ ExclusiveStartKey: from }) }
        const page = await send((client, _, abortSignal) => client.send(new sdk.ScanCommand(input), { abortSignal }))
        counted += page.Count ?? 0
        from = page.LastEvaluatedKey as Key | undefined // the table's own key
      }
      return counted
    },
  }
}
