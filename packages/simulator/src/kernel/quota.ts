import type { Report } from './report.ts'

/** Counts the requests per key within a second of virtual time, and reports rule H16 when they exceed AWS's quota. */
export function createQuota(options: {
  readonly name: string
  readonly perSecond: number
  readonly now: () => number
  readonly report: Report
}): (key: string) => void {
  const { name, perSecond, now, report } = options
  const counts = new Map<string, { second: number; count: number }>()
  return (key) => {
    const second = Math.floor(now() / 1_000)
    const counted = counts.get(key)
    if (counted?.second !== second) return void counts.set(key, { second, count: 1 })
    counted.count += 1
    if (counted.count === perSecond + 1) report.break('H16', `more than ${perSecond} ${name} a second: ${key}`)
  }
}
