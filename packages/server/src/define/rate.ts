import { withDocs } from '@trunkline/protocol'
/** How often something may happen: a whole number in a second, a minute or an hour, such as `5/s`, `100/m` or `10/h`. */
export type RateText = `${number}/${'s' | 'm' | 'h'}`

/** A parsed rate: at most `limit` in `periodMs` milliseconds. */
export interface Rate {
  readonly limit: number
  readonly periodMs: number
}

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000 } as const
const pattern = /^([1-9]\d{0,11})\/([smh])$/

/** Parses a rate. Throws a `TypeError` for anything else, which names the option `what`. */
export function parseRate(what: string, text: unknown): Rate {
  const [, limit, unit] = typeof text === 'string' ? (pattern.exec(text) ?? []) : []
  if (limit !== undefined) return { limit: Number(limit), periodMs: unitMs[unit as keyof typeof unitMs] }
  throw new TypeError(
    withDocs(
      'options',
      `Expected ${what} to be a rate such as '5/s', '100/m' or '10/h', got ${textOf(text)}. ` +
        'Give a whole number above 0, and s, m or h for a second, a minute or an hour.',
    ),
  )
}

const shownLength = 40

function textOf(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, shownLength))
  if (typeof value === 'number' || typeof value === 'boolean') return `the ${typeof value} ${value}`
  return value === null ? 'null' : typeof value
}
