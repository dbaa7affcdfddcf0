import { parseArgs } from 'node:util'

/** The options of the benchmark. */
export interface Options {
  readonly connections: number
  /** Sockets that send a subscribe while events are delivered. */
  readonly late: number
  readonly publishes: number
  /** Sockets of the second part, each with a subscription to each of `topics`. */
  readonly bundled: number
  readonly topics: number
  /** Events of each topic, published in a row. */
  readonly burst: number
  /** Sockets and events of the third part, and the posts per second that the gateway accepts. */
  readonly crowd: number
  readonly rush: number
  readonly quota: number
}

const defaults: Options = {
  ...{ connections: 10_000, late: 50, publishes: 3 },
  ...{ bundled: 200, topics: 5, burst: 10 },
  ...{ crowd: 600, rush: 20, quota: 300 },
}

/** Parses the command line. Throws an `Error` for a value that is not a whole number. */
export function parseOptions(args: readonly string[]): Options {
  const names = Object.keys(defaults) as (keyof Options)[]
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]))
  const { values } = parseArgs({ args: [...args], options })
  const given = names.flatMap((name) =>
    values[name] === undefined ? [] : [[name, toCount(name, String(values[name]))]],
  )
  return { ...defaults, ...Object.fromEntries(given) }
}

function toCount(name: string, text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text)
  throw new Error(`Expected --${name} to be a whole number, got ${text}.`)
}
