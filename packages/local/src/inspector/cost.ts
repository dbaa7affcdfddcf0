import { type Metered, metered, prices, pricesRead, type Usage } from './prices.ts'
import type { CostView } from './view.ts'

/** The cost of the usage so far, and of an hour at the current rate. */
export function toCost(used: Usage, perHour: Usage): CostView {
  const usd = (item: Metered, amount: number) => (amount * prices[item].usdPerMillion) / 1_000_000
  const lines = metered.map((item) => ({
    label: prices[item].label,
    source: prices[item].source,
    usdPerMillion: prices[item].usdPerMillion,
    used: used[item],
    usd: usd(item, used[item]),
    usdPerHour: usd(item, perHour[item]),
  }))
  return {
    pricesRead,
    lines,
    usd: lines.reduce((sum, line) => sum + line.usd, 0),
    usdPerHour: lines.reduce((sum, line) => sum + line.usdPerHour, 0),
  }
}
