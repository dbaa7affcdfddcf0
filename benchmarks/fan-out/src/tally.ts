import type { Metric, Telemetry } from '@trunkline/server/ports'

/** A telemetry that sums the metrics of a line. */
export interface Tally extends Telemetry {
  counted(metric: Metric): number
}

export function createTally(): Tally {
  const counts = new Map<Metric, number>()
  return {
    kind: 'tally',
    counted: (metric) => counts.get(metric) ?? 0,
    begin: () => ({
      measure: (metric, value) => void counts.set(metric, (counts.get(metric) ?? 0) + value),
      log: ({ level, message }) => process.stderr.write(`  ${level} ${message}\n`),
      end() {},
    }),
  }
}
