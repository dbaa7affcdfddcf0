import type { LogEntry } from '../../ports/telemetry.ts'

/** A log line about something that was thrown, with its stack. */
export function thrownEntry(message: string, facts: object, thrown: unknown): LogEntry {
  const error = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
  return { level: 'ERROR', message, facts: { ...facts, error } }
}
