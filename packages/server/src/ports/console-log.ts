import type { LogEntry, Recorder } from './telemetry.ts'

/** A line of log where nobody else listens: JSON on the console. Never throws. */
export function logOnConsole(entry: LogEntry): void {
  const write = entry.level === 'ERROR' ? console.error : console.warn
  try {
    write(toLine(entry))
  } catch {
    // the console itself is gone: there is nobody left to tell
  }
}

/** Outside of the line's functions: lines of log on the console, and no metrics. */
export const consoleRecorder: Recorder = { measure: () => {}, log: logOnConsole }

/** Facts that JSON cannot hold are left out, rather than the line. */
function toLine({ level, message, facts }: LogEntry): string {
  try {
    return JSON.stringify({ level, message, ...facts }, (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    )
  } catch {
    return JSON.stringify({ level, message })
  }
}
