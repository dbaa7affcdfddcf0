import { parseArgs } from 'node:util'

export interface Options {
  /** Cold starts of each function. */
  readonly runs: number
  /** The path of the JSON file; undefined: none is written. */
  readonly json: string | undefined
}

const maxRuns = 1_000

/** Parses the command line. Throws an Error for an invalid value. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({ args: [...args], options: { runs: { type: 'string' }, json: { type: 'string' } } })
  const runs = values.runs === undefined ? 31 : Number(values.runs)
  if (Number.isInteger(runs) && runs >= 1 && runs <= maxRuns) return { runs, json: values.json }
  throw new Error(`Expected --runs to be a whole number from 1 to ${maxRuns}, got ${values.runs}.`)
}
