import type { AttributeValue, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { defined } from '@trunkline/protocol'
import type { Stage } from '../../stage/stage.ts'
import type { Io } from '../definition/io.ts'
import { count, flag } from '../definition/options.ts'

/** The options of a command that may scan. */
export const scanOptions = {
  max: count('The most rows of the table that a scan reads (default: 10,000)', { most: 100_000_000 }),
  yes: flag('Scan without asking'),
} as const

const defaultMax = 10_000
const pageRows = 1_000
const unitBytes = 4_096 // of a read unit; an eventually consistent read takes half of one

export type Row = Readonly<Record<string, AttributeValue>>

export interface ScanRequest {
  readonly stage: Stage
  readonly io: Io
  readonly max?: number
  readonly yes?: boolean
  /** What is listed, in the question: `the open connections`. */
  readonly what: string
  /** How to do without a scan. */
  readonly instead: string
  /** The filter and its values. Its names are those of attributes, with a `#`. */
  readonly filter: string
  readonly values: Readonly<Record<string, AttributeValue>>
  /** The attributes that are read. */
  readonly attributes: readonly string[]
  readonly onRow: (row: Row) => void
}

/** What a scan has read. */
export interface Scanned {
  readonly rows: number
  readonly readUnits: number
  /** False when it stopped at the highest number of rows. */
  readonly isComplete: boolean
}

/**
 * Scans the table of a line: states the number of items and of read units on stderr, asks, and reads at most `max`
 * rows, eventually consistent. Rejects with a `UsageError` where nobody can answer, before anything is read. The table
 * of a local line costs nothing: it is scanned without a question.
 */
export async function scanTable(request: ScanRequest): Promise<Scanned> {
  const { stage, io, max = defaultMax, yes } = request
  const sdk = await import('./sdk.ts')
  const client = new sdk.DynamoDBClient(stage.clientConfig('DYNAMODB'))
  try {
    if (stage.kind === 'aws') {
      const { Table } = await client.send(new sdk.DescribeTableCommand({ TableName: stage.table }))
      io.note(formatEstimate(stage, { items: Table?.ItemCount ?? 0, bytes: Table?.TableSizeBytes ?? 0, max }))
      await io.confirm(`Scan the table to list ${request.what}? ${request.instead}`, yes)
    }
    const scanned = await readPages(sdk, client, { ...request, max })
    if (!scanned.isComplete)
      io.note(
        `Stopped after ${number(scanned.rows)} ${scanned.rows === 1 ? 'row' : 'rows'}. The list is not complete: add --max to read more.`,
      )
    return scanned
  } finally {
    client.destroy()
  }
}

interface Size {
  readonly items: number
  readonly bytes: number
  readonly max: number
}

function formatEstimate({ table }: Stage, { items, bytes, max }: Size): string {
  const units = Math.ceil(bytes / unitBytes / 2)
  const size = `The table ${table} has about ${number(items)} items (DynamoDB counts them every six hours).`
  const whole = `A scan of all of them takes about ${number(units)} read units.`
  const part =
    items > max ? ` This scan stops after ${number(max)} rows: about ${number(Math.ceil((units * max) / items))}.` : ''
  return `${size} ${whole}${part}`
}

async function readPages(
  sdk: typeof import('./sdk.ts'),
  client: DynamoDBClient,
  { stage, io, max, filter, values, attributes, onRow }: ScanRequest & { readonly max: number },
): Promise<Scanned> {
  const names = Object.fromEntries(attributes.map((name) => [`#${name}`, name]))
  let [rows, readUnits] = [0, 0]
  let from: Row | undefined
  do {
    const page = await client.send(
      new sdk.ScanCommand({
        TableName: stage.table,
        Limit: Math.min(pageRows, max - rows),
        FilterExpression: filter,
        ProjectionExpression: Object.keys(names).join(', '),
        ExpressionAttributeNames: names,
        ExpressionAttributeValues: { ...values },
        ReturnConsumedCapacity: 'TOTAL',
        ...defined({ ExclusiveStartKey: from }),
      }),
      { abortSignal: io.interrupted },
    )
    for (const row of page.Items ?? []) onRow(row)
    rows += page.ScannedCount ?? 0
    readUnits += page.ConsumedCapacity?.CapacityUnits ?? 0
    from = page.LastEvaluatedKey
    io.progress(`${number(rows)} rows read`)
  } while (from !== undefined && rows < max)
  return { rows, readUnits, isComplete: from === undefined }
}

function number(value: number): string {
  return value.toLocaleString('en-US')
}
