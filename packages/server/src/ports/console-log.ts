import type { LogEntry, Recorder } from './telemetry.ts'

/** Writes a log line as JSON on the console. Never throws. */
export function logOnConsole(entry: LogEntry): void {
  const write = entry.level === 'ERROR' ? console.error : console.warn
  try {
    write(toLine(entry))
  } catch {
    // the console failed, so there is no place to report it
  }
}

/** The recorder outside of a line's functions: log lines on the console, and no metrics. */
export const consoleRecorder: Recorder = { measure: () => {}, log: logOnConsole }

/** The line as JSON. If the facts cannot be serialised, they are left out. */
function toLine({ level, message, facts }: LogEntry): string {
  try {
    return JSON.stringify({ level, message, ...facts }, (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    )
  } catch {
    return JSON.stringify({ level, message })
  }
}
