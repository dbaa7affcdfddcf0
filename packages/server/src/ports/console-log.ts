import type { AuditEvent, LogEntry, Recorder } from './telemetry.ts'

/** Writes a log line as JSON on the console. Never throws. */
export function logOnConsole(entry: LogEntry): void {
  quietly(() => (entry.level === 'ERROR' ? console.error : console.warn)(toLine(entry)))
}

/**
 * Writes an audit event as JSON on the console: `{"level":"INFO","message":"audit","action":"kick",…}`. Writes nothing
 * for `connect`, since each connection would be a line: a metric counts them. Never throws.
 */
export function auditOnConsole({ facts, ...event }: AuditEvent): void {
  if (event.action === 'connect') return
  quietly(() => console.info(toLine({ level: 'INFO', message: 'audit', facts: { ...event, ...facts } })))
}

function quietly(write: () => void): void {
  try {
    write()
  } catch {
    // the console failed, so there is no place to report it
  }
}

/** The recorder outside of a line's functions: log lines and audit events on the console, and no metrics. */
export const consoleRecorder: Recorder = { measure: () => {}, log: logOnConsole, audit: auditOnConsole }

/** The line as JSON. If the facts cannot be serialised, they are left out. */
function toLine({ level, message, facts }: Omit<LogEntry, 'level'> & { readonly level: string }): string {
  try {
    return JSON.stringify({ level, message, ...facts }, (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    )
  } catch {
    return JSON.stringify({ level, message })
  }
}
