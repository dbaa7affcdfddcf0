import type { Table, TableRegistry } from '../rows/tables.ts'
import { ApiError, type Operation, requireStruct, requireText } from './api-error.ts'

/** Stores a table's TTL attribute. Undefined disables TTL. */
export type SetTtl = (table: string, attribute: string | undefined) => Promise<void>

/** `UpdateTimeToLive` and `DescribeTimeToLive`. A change takes effect immediately; in DynamoDB, within an hour. */
export function ttlOperations(
  tables: TableRegistry,
  setTtl: SetTtl,
): Record<'UpdateTimeToLive' | 'DescribeTimeToLive', Operation> {
  return {
    UpdateTimeToLive: async (input) => {
      const table = find(tables, requireText(input, 'TableName'))
      const specification = requireStruct(input, 'TimeToLiveSpecification')
      const attribute = requireText(specification, 'AttributeName')
      const enabled = specification.Enabled === true ? attribute : undefined
      if ((table.ttl === undefined) === (enabled === undefined)) {
        const state = enabled === undefined ? 'disabled' : 'enabled'
        throw new ApiError('ValidationException', `TimeToLive is already ${state}`)
      }
      await setTtl(table.description.TableName, enabled)
      return { TimeToLiveSpecification: { AttributeName: attribute, Enabled: enabled !== undefined } }
    },
    DescribeTimeToLive: (input) => {
      const { ttl } = find(tables, requireText(input, 'TableName'))
      if (ttl === undefined) return { TimeToLiveDescription: { TimeToLiveStatus: 'DISABLED' } }
      return { TimeToLiveDescription: { TimeToLiveStatus: 'ENABLED', AttributeName: ttl } }
    },
  }
}

function find(tables: TableRegistry, name: string): Table {
  const table = tables.get(name)
  if (table !== undefined) return table
  throw new ApiError('ResourceNotFoundException', `Requested resource not found: Table: ${name} not found`)
}
