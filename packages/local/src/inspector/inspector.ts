import type { IncomingMessage, ServerResponse } from 'node:http'
import type { LocalClock } from '../emulators/clock.ts'
import { createInspectorHttp } from './http.ts'
import { createWatch, type Watch } from './watch.ts'

/** A watch over a line, and the page that shows it. */
export interface Inspector extends Watch {
  /** Handles requests below `inspectorPath` and returns whether it did. */
  readonly http: (request: IncomingMessage, response: ServerResponse) => boolean
}

/** Creates an inspector of the line with this clock. */
export function createInspector(clock: Pick<LocalClock, 'now'>): Inspector {
  const watch = createWatch(clock)
  return { ...watch, http: createInspectorHttp(watch) }
}
