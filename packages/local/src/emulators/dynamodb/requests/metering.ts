import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TableRegistry } from '../rows/tables.ts'
import { type ApiInput, isStruct } from './api-error.ts'

type Kind = 'read' | 'write'

const kinds = new Map<string, Kind>([
  ['GetItem', 'read'],
  ['BatchGetItem', 'read'],
  ['Query', 'read'],
  ['Scan', 'read'],
  ['PutItem', 'write'],
  ['UpdateItem', 'write'],
  ['DeleteItem', 'write'],
  ['BatchWriteItem', 'write'],
  ['TransactGetItems', 'read'],
  ['TransactWriteItems', 'write'],
])

/**
 * Returns the body to process. If the table's tenant measures consumption, the body requests the consumed capacity, and
 * the response is read on its way out.
 */
export function meter(
  tables: TableRegistry,
  { request, response, body }: { request: IncomingMessage; response: ServerResponse; body: Buffer },
): Buffer {
  const kind = kinds.get(String(request.headers['x-amz-target']).split('.')[1] ?? '')
  if (kind === undefined || !tables.isMetered()) return body
  const input = parse(body)
  const onUse = tables.tenantOf(tables.get(tableOf(input)))?.onUse
  if (input === undefined || onUse === undefined) return body
  readResponse(response, (result) => {
    const units = unitsOf(result)
    onUse(kind === 'read' ? { readUnits: units, writeUnits: 0 } : { readUnits: 0, writeUnits: units })
  })
  return Buffer.from(JSON.stringify({ ReturnConsumedCapacity: 'TOTAL', ...input }))
}

/** The table that a request names. */
export function tableNameOf(body: Buffer): string {
  return tableOf(parse(body))
}

/** A batch counts for the tenant of its first table. */
function tableOf(input: ApiInput | undefined): string {
  const { TableName, RequestItems, TransactItems } = input ?? {}
  if (Array.isArray(TransactItems)) {
    const [item]: readonly unknown[] = Object.values(TransactItems[0] ?? {})
    return tableOf(isStruct(item) ? { TableName: item.TableName ?? '' } : { TableName: '' })
  }
  return typeof TableName === 'string' ? TableName : (Object.keys(RequestItems ?? {})[0] ?? '')
}

function readResponse(response: ServerResponse, read: (result: ApiInput) => void): void {
  const end = response.end
  response.end = ((...args: unknown[]) => {
    const [text] = args
    const result = typeof text === 'string' || Buffer.isBuffer(text) ? parse(text) : undefined
    if (result !== undefined) read(result)
    return Reflect.apply(end, response, args)
  }) as typeof end // `end` has overloads; the arguments are passed on unchanged
}

/**
 * The consumed units of a response. A write whose condition failed is billed as well, by the size of the existing item,
 * at least one unit. An invalid request is free.
 */
function unitsOf(result: ApiInput): number {
  if (String(result.__type).endsWith('ConditionalCheckFailedException')) return 1
  if (Array.isArray(result.CancellationReasons)) return 2 * result.CancellationReasons.length
  const { ConsumedCapacity: consumed } = result
  const all: readonly unknown[] = Array.isArray(consumed) ? consumed : [consumed]
  return all.reduce<number>((sum, one) => sum + (isStruct(one) ? Number(one.CapacityUnits ?? 0) : 0), 0)
}

function parse(text: string | Buffer): ApiInput | undefined {
  try {
    const value: unknown = JSON.parse(String(text))
    return isStruct(value) ? value : undefined
  } catch {
    return undefined // dynalite reports the error
  }
}
