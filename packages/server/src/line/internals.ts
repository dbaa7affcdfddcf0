import { withDocs } from '@trunkline/protocol'
import type { ChannelDefinition } from '../define/definition.ts'
import { describeValue } from '../define/describe-value.ts'
import type { Clock } from '../ports/clock.ts'
import type { LogEntry } from '../ports/telemetry.ts'
import type { RuntimeContext } from '../runtime/context/runtime-context.ts'
import type { Line } from './line.ts'

export { publicSessionId } from '../runtime/context/public-session.ts'
export { writtenPartitions } from '../runtime/log/partition-count.ts'

/** The member of a line that has its internals. */
export const internalsKey: unique symbol = Symbol.for('trunkline.line')

/** The operations on a line that are for the handlers and the local line, not for an application. */
export interface LineInternals {
  readonly envPrefix: string
  /** The current context. Throws if the line has no backend; the error names `channel`. */
  readonly context: (channel?: string) => RuntimeContext
  /** The context that was entered, if any. */
  readonly entered: () => RuntimeContext | undefined
  /** Runs `fn` in this context. */
  readonly enter: <T>(context: RuntimeContext, fn: () => T) => T
  /** Writes a log line to the telemetry of the context that was entered, otherwise to the console. */
  readonly log: (entry: LogEntry) => void
  /** The clock of the context that was entered, otherwise the machine's. It needs no backend. */
  readonly clock: () => Clock
  /** The channels that were declared so far. */
  readonly channels: () => readonly ChannelDefinition[]
  /**
   * Makes every use without an entered context throw `reason`, until the returned function is called: while a local
   * line is open, no code may use the table that the environment names.
   */
  readonly hold: (reason: string) => () => void
}

/** The internals of a line. Throws a `TypeError` if `createLine` did not make it. */
export function internalsOf(line: Line): LineInternals {
  const internals = (line as { readonly [internalsKey]?: LineInternals } | null | undefined)?.[internalsKey]
  if (internals === undefined)
    throw new TypeError(
      withDocs(
        'lines',
        `Expected a line made by createLine(), got ${describeValue(line)} Pass what createLine returned.`,
      ),
    )
  return internals
}
