import { parseArgs } from 'node:util'

/** The options of one run, which are the same for all contestants. */
export interface Options {
  /** The time of publishing, in seconds. */
  readonly seconds: number
  readonly publishers: number
  readonly subscribers: number
  /** Events per second of each publisher. */
  readonly rate: number
  /** Bytes of text in each event. */
  readonly bytes: number
  /** The longest wait after the last publish. It ends early when no event is missing or no more events will arrive. */
  readonly settleSeconds: number
  /** The seed of the texts and of the times of the cuts. */
  readonly seed: number
  /** Also cuts the publishers, and counts effects. */
  readonly cutPublishers: boolean
  /** Cuts from the beginning, before subscribers have received an event. */
  readonly coldCuts: boolean
  /** The ids of the contestants to run; all when empty. */
  readonly only: readonly string[]
  /** The path of the JSON file; undefined: none is written. */
  readonly json: string | undefined
}

/** The time between two cuts of one client. */
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

/** Parses the command line. Throws an Error for an invalid value. */
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
  throw new Error(`Expected --${name} to be a whole number from ${least} to ${most}, got ${given}.`)
}
