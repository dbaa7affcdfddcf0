import { parseArgs } from 'node:util'

export interface Options {
  /** Cold starts of each function. */
  readonly runs: number
  /** Where the JSON goes. */
  readonly json: string | undefined
}

const mostRuns = 1_000

/** Reads the command line. Throws an Error whose message says what was expected. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({ args: [...args], options: { runs: { type: 'string' }, json: { type: 'string' } } })
  const runs = values.runs === undefined ? 31 : Number(values.runs)
  if (Number.isInteger(runs) && runs >= 1 && runs <= mostRuns) return { runs, json: values.json }
  throw new Error(`--runs takes a whole number from 1 to ${mostRuns}, not ${values.runs}`)
}
