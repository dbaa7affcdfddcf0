import type { IncomingMessage, ServerResponse } from 'node:http'
import type { LocalClock } from '../emulators/clock.ts'
import { createInspectorHttp } from './http.ts'
import { Watch } from './watch.ts'

/** A watch over a line, and the page that shows it. */
export class Inspector extends Watch {
  /** Handles requests below `inspectorPath` and returns whether it did. */
  readonly http: (request: IncomingMessage, response: ServerResponse) => boolean

  constructor(clock: Pick<LocalClock, 'now'>) {
    super(clock)
    this.http = createInspectorHttp(this)
  }
}
