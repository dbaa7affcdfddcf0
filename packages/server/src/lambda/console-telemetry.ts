import { logOnConsole } from '../ports/console-log.ts'
import type { Telemetry } from '../ports/telemetry.ts'

/** Log lines as JSON on the console, and no metrics: what a line does by itself. */
export const consoleTelemetry: Telemetry = {
  kind: 'console',
  begin: ({ requestId }) => ({
    measure: () => {},
    log: ({ facts, ...entry }) => logOnConsole({ ...entry, facts: { requestId, ...facts } }),
    end: () => {},
  }),
}
