import { operationCounts } from '../../packages/local/src/cost/counts.ts'
import { limitsTable } from '../../packages/protocol/src/limits/limits-table.ts'
import type { Cost } from './counts.ts'
import { operations } from './operations.ts'
import { type Row, tables } from './rows.ts'
import { createWorld } from './world.ts'

/** The document between its markers, by their names. */
export type Parts = Readonly<Record<'counts' | 'limits' | 'operations', string>>

/** The counts of the operations, by name. */
export type OperationCounts = Readonly<Record<string, Cost>>

interface GenerateOptions {
  /** Called with each row that was counted. */
  readonly onRow?: (name: string, cost: Cost) => void
  /** Operations whose committed counts are kept. */
  readonly kept?: ReadonlySet<string>
}

/** Counts every row on a world of its own. Returns the generated parts of the document, and the operations' counts. */
export async function generate({ onRow = () => {}, kept = new Set() }: GenerateOptions = {}) {
  const counted: string[] = []
  for (const [title, rows] of Object.entries(tables)) {
    counted.push(`### ${title}`, ...head)
    for (const row of rows) {
      const cost = await costOf(row)
      onRow(row.name, cost)
      counted.push(toLine(row.name, cost))
    }
    counted.push('')
  }
  const counts: Record<string, Cost> = {}
  for (const [id, { name, count }] of Object.entries(operations)) {
    const cost = kept.has(id) ? (operationCounts as OperationCounts)[id] : undefined
    counts[id] = cost ?? (await count())
    onRow(name, counts[id])
  }
  const parts: Parts = {
    counts: counted.join('\n').trimEnd(),
    operations: operationsTable(counts),
    limits: limitsList(),
  }
  return { parts, counts }
}

function operationsTable(counts: OperationCounts): string {
  const lines = Object.entries(operations).flatMap(([id, { name }]) => {
    const cost = counts[id]
    if (cost === undefined) return []
    const { requests, readUnits, writeUnits, posts, messagesIn, messagesOut, httpRequests, functions, ms } = cost
    const cells = [requests, readUnits, writeUnits, posts, messagesIn + httpRequests, messagesOut, functions, ms]
    return [`| ${[name, ...cells.map(number)].join(' | ')} |`]
  })
  return [...operationsHead, ...lines].join('\n')
}

/** The text of `packages/local/src/cost/counts.ts`. */
export function toModule(counts: OperationCounts): string {
  const lines = Object.entries(counts).map(([id, cost]) => {
    const members = Object.entries(cost).map(([name, value]) => `${name}: ${Math.round(value * 1_000) / 1_000}`)
    const half = Math.ceil(members.length / 2)
    return `  ${id}: {\n    ...{ ${members.slice(0, half).join(', ')} },\n    ...{ ${members.slice(half).join(', ')} },\n  },`
  })
  return `${moduleHead}\n${lines.join('\n')}\n} as const satisfies Record<string, OperationCount>\n${moduleEnd}`
}

const moduleHead = `// Written by \`npm run limits\`: do not edit.

/** What one operation uses, counted by metered clients over the Lambda handlers. */
export interface OperationCount {
  /** Requests to DynamoDB. */
  readonly requests: number
  readonly readUnits: number
  readonly writeUnits: number
  /** Those of the requests that write. */
  readonly writes: number
  /** Posts, closed connections, and messages to Lambda and SQS. */
  readonly posts: number
  /** Functions that ran. */
  readonly functions: number
  /** Milliseconds that all functions together waited. */
  readonly ms: number
  /** Messages that API Gateway takes from clients. */
  readonly messagesIn: number
  /** Messages to clients. */
  readonly messagesOut: number
  /** Requests to the HTTP API. */
  readonly httpRequests: number
  /** Messages put into the delay queue. */
  readonly queued: number
}

/** The counts of each operation. */
export const operationCounts = {`

const moduleEnd = `
export type OperationName = keyof typeof operationCounts
`

const operationsHead = [
  '| | table requests | read units | write units | other requests | messages in | out | functions | time, ms |',
  '|---|--:|--:|--:|--:|--:|--:|--:|--:|',
]

/** What one row costs. */
async function costOf({ prepare }: Row): Promise<Cost> {
  const world = await createWorld()
  try {
    const act = await prepare(world)
    return await world.measure(act)
  } finally {
    await world.close()
  }
}

/** The document with new parts. Throws if it lacks a marker. */
export function replaceParts(document: string, parts: Parts): string {
  let text = document
  for (const [name, part] of Object.entries(parts)) {
    const [begin, end] = [`<!-- ${name}: npm run limits -->`, `<!-- end of ${name} -->`]
    const [from, to] = [text.indexOf(begin), text.indexOf(end)]
    if (from < 0 || to < from) throw new Error(`Expected ${begin} and ${end} in docs/reference/limits.md. Add them.`)
    text = `${text.slice(0, from + begin.length)}\n${part}\n${text.slice(to)}`
  }
  return text
}

const head = [
  '| | table requests | read units | write units | other requests | functions | time, ms |',
  '|---|--:|--:|--:|--:|--:|--:|',
]

const number = (value: number) => value.toLocaleString('en-US', { maximumFractionDigits: 1 })

function toLine(name: string, { requests, readUnits, writeUnits, posts, functions, ms }: Cost): string {
  return `| ${[name, ...[requests, readUnits, writeUnits, posts, functions, Math.round(ms)].map(number)].join(' | ')} |`
}

function limitsList(): string {
  const lines = Object.entries(limitsTable).map(
    ([name, { value, unit, source, consequence }]) =>
      `| \`${name}\` | ${number(value)} | ${unit === 'count' ? '' : unit} | ${source} | ${consequence} |`,
  )
  return ['| limit | value | unit | source | beyond it |', '|---|--:|---|---|---|', ...lines].join('\n')
}
