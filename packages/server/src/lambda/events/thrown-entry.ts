import type { LogEntry } from '../../ports/telemetry.ts'
import { stackOf } from '../../runtime/context/stack-of.ts'

/** A log line about something that was thrown, with its stack. */
export function thrownEntry(message: string, facts: object, thrown: unknown): LogEntry {
  const error = thrown instanceof Error ? (stackOf(thrown) ?? thrown.message) : String(thrown)
  return { level: 'ERROR', message, facts: { ...facts, error } }
}
