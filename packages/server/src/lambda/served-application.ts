import type { AnyTRPCRouter, TRPCError } from '@trpc/server'
import type { AuthorizeResult, CallDetails, CallerOf } from '../define/identity.ts'
import type { LineInternals } from '../line/internals.ts'
import type { Failure, Server } from '../runtime/context/served-application.ts'
import { stackOf } from '../runtime/context/stack-of.ts'
import { TrunklineError } from '../runtime/context/trunkline-error.ts'
import { identify, identifyParams } from './authorize/admission.ts'
import { checkAnonymousMay, checkFunctions, checkKeptParams, checkServeLimits } from './check-options.ts'
import { checkRates } from './check-rates.ts'
import { thrownEntry } from './events/thrown-entry.ts'
import type { ServeOptions } from './options.ts'

/** What `createLambdaHandlers` serves. Throws a `RangeError` or a `TypeError` for an invalid option. */
export function toServer<R extends AnyTRPCRouter, V extends AuthorizeResult>(
  options: ServeOptions<R, V>,
  internals: LineInternals,
): Server {
  const { router, authorize, createContext, onError } = options
  return {
    router,
    ...checkServeLimits(options),
    rates: checkRates(options.rates),
    createContext: (call) => (createContext === undefined ? {} : createContext(call as CallDetails & CallerOf<V>)), // by `authorize`
    anonymousMay: authorize === undefined ? 'everything' : checkAnonymousMay(options.anonymousMay),
    keptParams: checkKeptParams(options.connectionParams, authorize === undefined ? 'all' : []),
    identify: (token) => identify(authorize, token, internals.log),
    identifyParams: authorize && ((params) => identifyParams(authorize, params, internals.log)),
    ...checkFunctions(options),
    isSecret,
    report: (failure) => {
      try {
        if (onError === undefined) logFailure(internals, failure)
        else onError(failure)
      } catch (thrown) {
        internals.log(thrownEntry('`onError` threw.', {}, thrown)) // it must not fail the call whose error it gets
      }
    },
  }
}

const secret = /\barn:aws|X-Amz-|\.amazonaws\.com/i

const mostCauses = 8 // a chain of causes can be a circle

/** Messages of the AWS SDK name tables, accounts and roles, so clients must not get them, also not inside another. */
function isSecret(error: TRPCError): boolean {
  if (secret.test(error.message)) return true
  let { cause }: { readonly cause?: unknown } = error
  for (let depth = 0; depth < mostCauses && cause instanceof Error; depth++) {
    if ('$metadata' in cause && cause.message !== '' && error.message.includes(cause.message)) return true
    cause = cause.cause
  }
  return false
}

/**
 * Logs errors of the server. Errors of the client are reported to the client only. An unknown outcome is one: a client
 * can ask for it as often as it sends, and a function that died has a line of the platform.
 */
function logFailure({ entered, log }: LineInternals, { error, path, cause, ...failure }: Failure): void {
  if (error.code !== 'INTERNAL_SERVER_ERROR' && error.code !== 'TIMEOUT') return
  if (error instanceof TrunklineError && error.line === 'OUTCOME_UNKNOWN') return
  const traceparent = failure.traceparent ?? entered()?.traceparent // [TL-TRACE-2]
  const { connectionId, sessionId, principal, count } = failure
  const by = { connectionId, sessionId, principal, traceparent, count }
  const stack = (error.cause && stackOf(error.cause)) ?? stackOf(error)
  const facts = { path, cause, ...by, code: error.code, stack }
  log({ level: 'ERROR', message: error.message, facts })
}
