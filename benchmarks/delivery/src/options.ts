import { parseArgs } from 'node:util'

/** What one run does; the same for every contestant. */
export interface Options {
  /** How long is published. */
  readonly seconds: number
  readonly publishers: number
  readonly subscribers: number
  /** Events per second of each publisher. */
  readonly rate: number
  /** Bytes of text in each event. */
  readonly bytes: number
  /** At most this is waited after the last publish; it ends early once nothing is missing, or nothing more will come. */
  readonly settleSeconds: number
  /** Chooses texts and the stagger of the cuts. */
  readonly seed: number
  /** Cuts the publishers as well, and counts effects. */
  readonly cutPublishers: boolean
  /** Cuts from the first moment, before subscribers have had an event. */
  readonly coldCuts: boolean
  /** Only contestants whose id is one of these; all when empty. */
  readonly only: readonly string[]
  /** Where the JSON goes. */
  readonly json: string | undefined
}

/** Time between two cuts of one client. */
export const cutEveryMs = 2_000

const bounds = {
  seconds: { default: 30, least: 1, most: 600 },
  publishers: { default: 2, least: 1, most: 20 },
  subscribers: { default: 10, least: 1, most: 100 },
  rate: { default: 10, least: 1, most: 200 },
  bytes: { default: 64, least: 0, most: 16_384 },
  'settle-seconds': { default: 40, least: 1, most: 120 },
  seed: { default: 1, least: 0, most: 2 ** 32 - 1 },
} as const

/** Reads the command line. Throws an Error whose message says what was expected. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string' },
      publishers: { type: 'string' },
      subscribers: { type: 'string' },
      rate: { type: 'string' },
      bytes: { type: 'string' },
      'settle-seconds': { type: 'string' },
      seed: { type: 'string' },
      'cut-publishers': { type: 'boolean', default: false },
      'cold-cuts': { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      json: { type: 'string' },
    },
  })
  const whole = (name: keyof typeof bounds) => wholeWithin(name, values[name])
  return {
    seconds: whole('seconds'),
    publishers: whole('publishers'),
    subscribers: whole('subscribers'),
    rate: whole('rate'),
    bytes: whole('bytes'),
    settleSeconds: whole('settle-seconds'),
    seed: whole('seed'),
    cutPublishers: values['cut-publishers'],
    coldCuts: values['cold-cuts'],
    only: values.only,
    json: values.json,
  }
}

function wholeWithin(name: keyof typeof bounds, given: string | undefined): number {
  const { default: usual, least, most } = bounds[name]
  const value = given === undefined ? usual : Number(given)
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new Error(`--${name} takes a whole number from ${least} to ${most}, not ${given}`)
}
