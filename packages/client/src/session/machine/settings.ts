import { documentsUrl } from '@trunkline/protocol'

/** An error for an option with a wrong value. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'
  /** The address of the page about the options. */
  readonly docs = `${documentsUrl}/reference/client-options.md`
}

/** The error for an option of `createConnection` that is not as expected. */
export function optionError(name: string, expected: string, got: string): ConfigurationError {
  return new ConfigurationError(`${name}: expected ${expected}; got ${got}. Correct this option of createConnection.`)
}

/** The options of a connection that its session uses. */
export interface Settings {
  readonly backoff: { readonly minMs: number; readonly maxMs: number; readonly factor: number }
  readonly keepaliveMs: number
  readonly keepaliveTimeoutMs: number
  readonly outbox: { readonly maxMessages: number; readonly maxBytes: number }
  readonly gapWaitMs: number
}

type GivenSettings = {
  readonly [K in keyof Settings]?: Settings[K] extends object ? Partial<Settings[K]> : Settings[K]
}

/** Throws a `ConfigurationError` for a member of `given` that is none of `names`. */
export function checkNames(prefix: string, given: object | undefined, names: readonly string[]): void {
  for (const name in given) if (!names.includes(name)) throw optionError(prefix + name, `one of ${names}`, name)
}

/** Adds the defaults to the given options. Throws a `ConfigurationError` for a value outside of its range. */
export function readSettings(given: GivenSettings): Settings {
  const { maxMs = 30_000 } = given.backoff ?? {}
  return {
    ...readNumbers('', given, {
      keepaliveMs: [270_000, 1_000, 480_000], // with its spread it stays below the gateway's idle limit
      keepaliveTimeoutMs: [15_000, 1_000, 60_000],
      gapWaitMs: [300, 1, 60_000],
    }),
    backoff: readNumbers('backoff.', given.backoff, {
      maxMs: [maxMs, 1, 86_400_000],
      minMs: [Math.min(100, maxMs), 1, maxMs],
      factor: [2, 1, 10],
    }),
    outbox: readNumbers('outbox.', given.outbox, {
      maxMessages: [1_000, 0, 1_000_000],
      maxBytes: [4_194_304, 0, 1_000_000_000], // 4 MiB: the largest message that any server accepts
    }),
  }
}

type Range = readonly [usual: number, least: number, most: number]

/** Reads the numbers of one group of options. Of each, `ranges` has the default, the least and the greatest value. */
function readNumbers<Name extends string>(
  prefix: string,
  given: Readonly<Partial<Record<NoInfer<Name>, unknown>>> | undefined,
  ranges: Readonly<Record<Name, Range>>,
): Readonly<Record<Name, number>> {
  const numbers = {} as Record<Name, number> // the loop adds them all
  if (prefix) checkNames(prefix, given, Object.keys(ranges))
  for (const name in ranges) {
    const [usual, least, most] = ranges[name]
    const value: unknown = given?.[name] ?? usual
    if (typeof value !== 'number' || !(value >= least && value <= most))
      throw optionError(prefix + name, `a number from ${least} to ${most}`, `${typeof value} ${String(value)}`)
    numbers[name] = value
  }
  return numbers
}
