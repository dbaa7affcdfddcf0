import type { IncomingMessage, ServerResponse } from 'node:http'
import type { LocalClock } from '../emulators/clock.ts'
import { createInspectorHttp } from './http.ts'
import { createWatch, type Watch } from './watch.ts'

/** A watch over a line, and the page that shows it. */
export interface Inspector extends Watch {
  /** Answers what is below `inspectorPath`; gives whether it does. */
  readonly http: (request: IncomingMessage, response: ServerResponse) => boolean
}

/** An inspector of the line that keeps to `clock`. */
export function createInspector(clock: Pick<LocalClock, 'now'>): Inspector {
  const watch = createWatch(clock)
  return { ...watch, http: createInspectorHttp(watch) }
}
