import { parseArgs } from 'node:util'

/** The options of one run, which are the same for all contestants. */
export interface Options {
  /** The approximate number of procedures of each application, in routers of ten. */
  readonly procedures: number
  /** How often each compiler checks each contestant. */
  readonly rounds: number
  /** The path of the JSON file; undefined: none is written. */
  readonly json: string | undefined
}

const bounds = {
  procedures: { usual: 300, least: 10, most: 2_000 },
  rounds: { usual: 5, least: 1, most: 50 },
} as const

/** Parses the command line. Throws an Error for an invalid value. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: { procedures: { type: 'string' }, rounds: { type: 'string' }, json: { type: 'string' } },
  })
  const whole = (name: keyof typeof bounds) => wholeWithin(name, values[name])
  return { procedures: whole('procedures'), rounds: whole('rounds'), json: values.json }
}

function wholeWithin(name: keyof typeof bounds, given: string | undefined): number {
  const { usual, least, most } = bounds[name]
  const value = given === undefined ? usual : Number(given)
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new Error(`Expected --${name} to be a whole number from ${least} to ${most}, got ${given}.`)
}
