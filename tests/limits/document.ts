import { limitsTable } from '../../packages/protocol/src/limits/limits-table.ts'
import type { Cost } from './counts.ts'
import { type Row, tables } from './rows.ts'
import { createWorld } from './world.ts'

/** The document between its markers, by their names. */
export type Parts = Readonly<Record<'counts' | 'limits', string>>

/** Counts every row on a world of its own, and returns the generated parts of the document. */
export async function generate(onRow: (name: string, cost: Cost) => void = () => {}): Promise<Parts> {
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
  return { counts: counted.join('\n').trimEnd(), limits: limitsList() }
}

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
