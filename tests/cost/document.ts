import { runCostCommand } from '../../packages/local/src/cost/command.ts'

const [begin, end] = ['<!-- cost: npm run cost -->', '<!-- end of cost -->'] as const

/** The document with what `trunkline cost` prints between its markers. Throws if it lacks them. */
export async function withCosts(document: string): Promise<string> {
  const [from, to] = [document.indexOf(begin), document.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`Expected ${begin} and ${end} in docs/reference/cost.md. Add them.`)
  const printed: string[] = []
  await runCostCommand([], (text) => printed.push(text))
  return `${document.slice(0, from + begin.length)}\n${printed.join('\n')}\n${document.slice(to)}`
}
