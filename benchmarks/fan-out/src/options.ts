import { parseArgs } from 'node:util'

/** What is measured. */
export interface Options {
  readonly connections: number
  /** Sockets that subscribe by a frame of their own while events are delivered. */
  readonly late: number
  readonly publishes: number
  /** Sockets of the second part, each with a subscription to every one of `topics`. */
  readonly bundled: number
  readonly topics: number
  /** Events of each topic, published in a row. */
  readonly burst: number
  /** Sockets of the third part, events to them, and the posts a second that the gateway takes. */
  readonly crowd: number
  readonly rush: number
  readonly quota: number
}

const defaults: Options = {
  ...{ connections: 10_000, late: 50, publishes: 3 },
  ...{ bundled: 200, topics: 5, burst: 10 },
  ...{ crowd: 600, rush: 20, quota: 300 },
}

/** Reads the command line; throws an `Error` for what is no whole number. */
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
