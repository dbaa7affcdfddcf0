import { costReport } from '../../packages/local/src/cost/report.ts'

const [begin, end] = ['<!-- cost: npm run cost -->', '<!-- end of cost -->'] as const

/** The document with what `trunkline cost` prints between its markers. Throws if it lacks them. */
export function withCosts(document: string): string {
  const [from, to] = [document.indexOf(begin), document.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`Expected ${begin} and ${end} in docs/reference/cost.md. Add them.`)
  return `${document.slice(0, from + begin.length)}\n${costReport({}).text}\n${document.slice(to)}`
}
