import type { Telemetry } from '../ports/telemetry.ts'

/** Log lines as JSON on the console, and no metrics: what a line does by itself. */
export const consoleTelemetry: Telemetry = {
  kind: 'console',
  begin: ({ requestId }) => ({
    measure: () => {},
    log: ({ level, message, facts }) => {
      const write = level === 'ERROR' ? console.error : console.warn
      write(JSON.stringify({ level, message, requestId, ...facts }))
    },
    end: () => {},
  }),
}
