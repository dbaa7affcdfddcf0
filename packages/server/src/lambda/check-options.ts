import { checkNearNames, limits, withDocs } from '@trunkline/protocol'
import { describeValue } from '../define/describe-value.ts'
import type { Server } from '../runtime/context/served-application.ts'
import { defaultAccountRate, minRate } from '../runtime/posting/post-pacer.ts'
import { checkProcedureRates } from './check-rates.ts'
import type { ServeOptions } from './options.ts'

/** The options of `createLambdaHandlers`. */
export const serveNames: Readonly<Record<keyof ServeOptions<never, never>, true>> = {
  router: true,
  line: true,
  authorize: true,
  createContext: true,
  onConnect: true,
  onDisconnect: true,
  onError: true,
  origins: true,
  telemetry: true,
  anonymousMay: true,
  connectionParams: true,
  rates: true,
  maxBatchSize: true,
  maxMessageBytes: true,
  maxStoredInputBytes: true,
  maxDirectAudience: true,
  maxConcurrentPosts: true,
  accountPostsPerSecond: true,
  maxRuns: true,
  maxSubscriptions: true,
  unconfirmedMs: true,
}

/** Throws a `TypeError` for options that are no object, or that have a misspelt name. Other members are accepted. */
export function checkServeNames(options: unknown): void {
  checkNearNames('createLambdaHandlers', options, serveNames)
}

type Limits = Pick<
  Server,
  | 'maxBatchSize'
  | 'maxMessageBytes'
  | 'maxStoredInputBytes'
  | 'maxDirectAudience'
  | 'maxConcurrentPosts'
  | 'accountPostsPerSecond'
  | 'maxRuns'
  | 'maxSubscriptions'
  | 'unconfirmedMs'
>

interface Range {
  readonly least: number
  readonly most: number
  readonly default: number
  readonly unit: string
}

/** The options whose values have a range. */
const ranges = {
  maxMessageBytes: {
    least: limits.messageBytes.value,
    most: 4_194_304, // 4 MB: below Lambda's response limit of 6 MB, and little of a function's memory
    default: limits.maxMessageBytes.value,
    unit: 'bytes',
  },
  maxStoredInputBytes: {
    least: 0,
    most: limits.storedBytes.value,
    default: limits.storedInputBytes.value,
    unit: 'bytes',
  },
  maxDirectAudience: { least: 0, most: 1_000, default: 100, unit: 'subscribers' },
  maxConcurrentPosts: { least: 1, most: 200, default: 50, unit: 'connections' }, // the gateway opens at most 200 sockets
  accountPostsPerSecond: { least: minRate, most: 1_000_000, default: defaultAccountRate, unit: 'posts per second' },
  maxRuns: { least: 1, most: 1_000, default: 20, unit: 'runs' }, // a thousand make the row of a caller 40 KB
  maxSubscriptions: { least: 1, most: 10_000, default: limits.connectionSubscriptions.value, unit: 'subscriptions' },
  unconfirmedMs: { least: 1_000, most: 900_000, default: 10_000, unit: 'milliseconds' }, // SQS delays up to 15 minutes
} as const satisfies Partial<Record<keyof Limits, Range>>

/** The limits of the options, or their defaults. Throws a `RangeError` for a value that is out of its range. */
export function checkServeLimits(options: Partial<Pick<ServeOptions<never, never>, keyof Limits>>): Limits {
  const check = (name: keyof typeof ranges) => checkRange(name, options[name], ranges[name])
  return {
    maxBatchSize: options.maxBatchSize ?? limits.batchSize.value,
    maxMessageBytes: check('maxMessageBytes'),
    maxStoredInputBytes: check('maxStoredInputBytes'),
    maxDirectAudience: check('maxDirectAudience'),
    maxConcurrentPosts: check('maxConcurrentPosts'),
    accountPostsPerSecond: check('accountPostsPerSecond'),
    maxRuns: check('maxRuns'),
    maxSubscriptions: check('maxSubscriptions'),
    unconfirmedMs: check('unconfirmedMs'),
  }
}

function checkRange(name: string, value: number | undefined, { least, most, unit, ...range }: Range): number {
  if (value === undefined) return range.default
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new RangeError(
    withDocs(
      'options',
      `Expected ${name} to be a whole number of ${unit} from ${least} to ${most}, got ${value}. Leave it out for ${range.default}.`,
    ),
  )
}

/** What anonymous callers may use where `authorize` is given. Throws a `TypeError` for another value. */
export function checkAnonymousMay(value: ServeOptions<never, never>['anonymousMay'] = 'declared') {
  if (value === 'declared' || value === 'everything') return value
  throw new TypeError(
    withDocs(
      'options',
      `Expected anonymousMay to be 'declared' or 'everything', got ${describeValue(value)} Leave it out for 'declared'.`,
    ),
  )
}

/** The connection parameters that `createContext` gets. Throws a `TypeError` for another value. */
export function checkKeptParams(
  given: ServeOptions<never, never>['connectionParams'],
  otherwise: 'all' | readonly string[],
): 'all' | readonly string[] {
  if (given === undefined) return otherwise
  const { keep } = Object(given) as { readonly keep?: unknown }
  if (keep === 'all' || (Array.isArray(keep) && keep.every((name) => typeof name === 'string'))) return keep
  throw new TypeError(
    withDocs(
      'options',
      `Expected connectionParams to be { keep: ['lang'] } or { keep: 'all' }, got ${describeValue(given)} List the names that createContext needs.`,
    ),
  )
}

/** Checks the options that are functions, and returns the hooks. Throws a `TypeError` for anything but a function. */
export function checkFunctions({
  authorize,
  createContext,
  onError,
  onConnect,
  onDisconnect,
}: Partial<Record<FunctionOption, unknown>> & Pick<Server, 'onConnect' | 'onDisconnect'>): Pick<
  Server,
  'onConnect' | 'onDisconnect'
> {
  for (const [name, value] of Object.entries({ authorize, createContext, onError, onConnect, onDisconnect }))
    if (value !== undefined && typeof value !== 'function')
      throw new TypeError(
        withDocs(
          'options',
          `Expected ${name} to be a function, got ${describeValue(value)} Pass one, or leave it out.`,
        ),
      )
  return { onConnect, onDisconnect }
}

type FunctionOption = 'authorize' | 'createContext' | 'onError'

/**
 * Throws a `TypeError` if the value is not a router, or if a procedure has an invalid `rate`, so that the error appears at
 * start and not with the first frame. Procedures of a lazy router are checked when they are called.
 */
export function checkRouter(router: unknown): void {
  const { _def } = Object(router) as { readonly _def?: { readonly procedures?: unknown } }
  const procedures = _def?.procedures
  if (typeof procedures !== 'object' || procedures === null)
    throw new TypeError(
      withDocs(
        'options',
        `Expected router to be made by tRPC's router(…), got ${describeValue(router)} Pass the router that has your procedures.`,
      ),
    )
  checkProcedureRates(procedures)
}
