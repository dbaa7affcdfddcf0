import type { AuditEvent, LogEntry, Telemetry } from '../ports/telemetry.ts'

/** Records telemetry: sums by metric, with the path and the outcome of its label. */
export function recordingTelemetry() {
  const sums = new Map<string, number>()
  const logs: LogEntry[] = []
  const begun: string[] = []
  const audits: AuditEvent[] = []
  const telemetry: Telemetry = {
    kind: 'test',
    begin: ({ functionName }) => {
      begun.push(functionName)
      return {
        measure: (metric, value, label) => {
          const name = [metric, ...Object.values(label ?? {})].join(' ')
          sums.set(name, (sums.get(name) ?? 0) + value)
        },
        log: (entry) => void logs.push(entry),
        audit: (event) => void audits.push(event),
        end: () => void begun.push(`${functionName} ended`),
      }
    },
  }
  return { telemetry, sums, logs, audits, begun }
}
