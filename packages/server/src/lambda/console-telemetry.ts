import { logOnConsole } from '../ports/console-log.ts'
import type { Telemetry } from '../ports/telemetry.ts'

/** The default telemetry: log lines as JSON on the console, and no metrics. */
export const consoleTelemetry: Telemetry = {
  kind: 'console',
  begin: ({ requestId }) => ({
    measure: () => {},
    log: ({ facts, ...entry }) => logOnConsole({ ...entry, facts: { requestId, ...facts } }),
    end: () => {},
  }),
}
