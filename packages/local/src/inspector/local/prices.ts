import { prices, usdOf } from '../../cost/prices.ts'
import type { CostView } from '../data-source.ts'

/** The billed items that a line uses. */
export const metered = ['messages', 'connectionMinutes', 'requests', 'gbSeconds', 'readUnits', 'writeUnits'] as const
export type Metered = (typeof metered)[number]

/** The amount of each item. */
export type Usage = Readonly<Record<Metered, number>>

/** The day on which the newest of the prices was read. */
const pricesRead = metered.map((item) => prices[item].read).reduce((a, b) => (a > b ? a : b))

/** The memory of a line's functions, which determines the price of a second. */
export const memoryMb = 512

const messageBytes = 32 * 1_024 // messages are billed in steps of 32 KB

/** The number of billed messages for a message of `bytes`. */
export function toMessages(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / messageBytes))
}

/** The GB-seconds of a run. Started milliseconds are billed. */
export function toGbSeconds(ms: number): number {
  return (Math.max(1, Math.ceil(ms)) / 1_000) * (memoryMb / 1_024)
}

/** The cost of the usage so far, and of an hour at the current rate. */
export function toCost(used: Usage, perHour: Usage): CostView {
  const lines = metered.map((item) => ({
    label: prices[item].label,
    source: prices[item].source,
    usdPerMillion: usdOf(item, 1_000_000),
    used: used[item],
    usd: usdOf(item, used[item]),
    usdPerHour: usdOf(item, perHour[item]),
  }))
  return {
    pricesRead,
    span: 'since-start',
    lines,
    usd: lines.reduce((sum, line) => sum + line.usd, 0),
    usdPerHour: lines.reduce((sum, line) => sum + line.usdPerHour, 0),
  }
}
