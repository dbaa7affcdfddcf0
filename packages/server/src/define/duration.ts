import { withDocs } from '@trunkline/protocol'

/** Milliseconds, or a number with its unit. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const pattern = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/

/**
 * Converts a duration to milliseconds. Throws a `TypeError` for anything else, such as a negative number. `what` names
 * the option in its message.
 */
export function parseDuration(duration: Duration, what?: string): number {
  const match = typeof duration === 'string' ? pattern.exec(duration) : null
  const ms = match === null ? duration : Number(match[1]) * unitMs[match[2] as keyof typeof unitMs]
  if (typeof ms === 'number' && Number.isFinite(ms) && ms >= 0) return ms
  throw new TypeError(
    withDocs(
      'declarations',
      `Expected ${what === undefined ? '' : `${what} to be `}milliseconds or a duration such as '90s', '15m', '24h' or '7d', got ${JSON.stringify(duration)}. Write a number with its unit.`,
    ),
  )
}
