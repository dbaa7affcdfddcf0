import type { ChannelDefinition } from '../define/definition.ts'
import { ofNothing } from '../define/of-nothing.ts'
import type { Clock } from '../ports/clock.ts'
import type { LogEntry } from '../ports/telemetry.ts'
import type { RuntimeContext } from '../runtime/context/scope.ts'
import type { Line } from './line.ts'
export const internalsKey: unique symbol = Symbol.for('trunkline.line')

/** What the handlers and the local line may do with a line that an application may not. */
export interface LineInternals {
  readonly envPrefix: string
  /** Throws where nothing is bound; `channel` is what is to be reached, for the words of that. */
  readonly scope: (channel?: string) => RuntimeContext
  /** What was entered here, if anything was. */
  readonly entered: () => RuntimeContext | undefined
  readonly enter: <T>(scope: RuntimeContext, fn: () => T) => T
  /** The one door of log lines: to whoever listens to what is entered here, else to the console. */
  readonly log: (entry: LogEntry) => void
  /** The clock of what is entered here; the machine's own where nothing is. Needs no backend. */
  readonly clock: () => Clock
  /** Every channel that was declared so far. */
  readonly channels: () => readonly ChannelDefinition[]
  /** Refuses unbound uses with `reason` until undone: while a local line is open, nothing may reach the table that a shell points at. */
  readonly hold: (reason: string) => () => void
}

/** Throws a `TypeError` for what `createLine` did not make. */
export function internalsOf(line: Line): LineInternals {
  const internals = (line as { readonly [internalsKey]?: LineInternals } | null | undefined)?.[internalsKey]
  if (internals === undefined) throw new TypeError(`Expected a line made by createLine(), got ${ofNothing(line)}`)
  return internals
}
