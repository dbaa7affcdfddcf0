import type { IncomingMessage, ServerResponse } from 'node:http'
import type { LocalClock } from '../../emulators/clock.ts'
import { createInspectorHttp } from '../http.ts'
import type { ApplicationPort } from './application-port.ts'
import type { InspectedLine } from './inspected-line.ts'
import { LocalSource } from './local-source.ts'
import { Watch } from './watch.ts'

/** A watch over a line, and the page that shows it. */
export class Inspector extends Watch {
  /** Handles requests below `inspectorPath` and returns whether it did. */
  readonly http: (request: IncomingMessage, response: ServerResponse) => boolean
  #line: InspectedLine | undefined
  #application: ApplicationPort | undefined

  constructor(clock: Pick<LocalClock, 'now'>) {
    super(clock)
    const line = () => {
      if (this.#line === undefined) throw new Error('The line has not started yet.')
      return this.#line
    }
    this.http = createInspectorHttp(new LocalSource(this, line, () => this.#application))
  }

  /** The line that is watched. */
  attach(line: InspectedLine): void {
    this.#line = line
  }

  /** The application whose procedures and channels are shown. */
  describeBy(application: ApplicationPort): void {
    this.#application = application
  }
}
