import { parseArgs } from 'node:util'

/** What one run does; the same for every contestant. */
export interface Options {
  /** About how many procedures each application has, in routers of ten. */
  readonly procedures: number
  /** How often each contestant is checked by each compiler, in turn. */
  readonly rounds: number
  /** Where the JSON goes. */
  readonly json: string | undefined
}

const bounds = {
  procedures: { usual: 300, least: 10, most: 2_000 },
  rounds: { usual: 5, least: 1, most: 50 },
} as const

/** Reads the command line. Throws an Error whose message says what was expected. */
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
  throw new Error(`--${name} takes a whole number from ${least} to ${most}, not ${given}`)
}
