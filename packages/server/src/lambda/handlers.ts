// More than 200 lines: the handlers of one deployment share their options, and each is a few lines.
import type { AnyTRPCRouter, TRPCError } from '@trpc/server'
import { limits } from '@trunkline/protocol'
import { describeValue } from '../define/describe-value.ts'
import type { AuthorizeResult, anonymous, CallDetails, CallerOf } from '../define/identity.ts'
import { createLine } from '../line/create-line.ts'
import { internalsOf, type LineInternals } from '../line/internals.ts'
import type { Line } from '../line/line.ts'
import { createSlotReader } from '../ports/event-row.ts'
import type { InvocationFacts } from '../ports/telemetry.ts'
import { isWorkerJob } from '../runtime/calls/worker-job.ts'
import { connect, disconnect } from '../runtime/connections/connect.ts'
import { createDeadline, withinDeadline } from '../runtime/context/deadline.ts'
import { type InvocationContext, toInvocationContext } from '../runtime/context/runtime-context.ts'
import type { Failure, Server } from '../runtime/context/served-application.ts'
import { deliver } from '../runtime/delivery/deliver.ts'
import { deliverStreamed } from '../runtime/delivery/deliver-from-stream.ts'
import { appendStreamed } from '../runtime/presence/append-from-stream.ts'
import { checkPresence } from '../runtime/presence/check-departed.ts'
import { receive } from '../runtime/receive.ts'
import { doQueued } from '../runtime/run-queued-jobs.ts'
import { work } from '../runtime/run-worker-job.ts'
import { attachApplication } from './application.ts'
import { type AdmissionOptions, admit, identify, selectedSubprotocol } from './authorize/admission.ts'
import { authorizeConnect, callerOf } from './authorize/authorizer.ts'
import { type AllowsOrigin, type Origins, parseOrigins } from './authorize/origins.ts'
import { consoleTelemetry } from './console-telemetry.ts'
import type { AwsHandler } from './events/events.ts'
import {
  type FunctionContext,
  type GatewayEvent,
  isAuthorizerEvent,
  isDeliverJob,
  isGatewayEvent,
  isRecord,
  twoWayRoutes,
} from './events/events.ts'
import { isPresenceCheck, isQueueEvent, toQueuedWork } from './events/queue-records.ts'
import { toStreamedPresences, toStreamedSlots } from './events/stream-records.ts'
import { thrownEntry } from './events/thrown-entry.ts'
import { workingMs } from './events/time-left.ts'
import type { LambdaHandlers, LambdaOptions, ServeOptions } from './options.ts'

/**
 * Creates the Lambda handlers that serve a router over a line. Nothing is read or opened until the first event. Throws
 * a `TypeError` or a `RangeError` for an invalid option.
 */
export function createLambdaHandlers<R extends AnyTRPCRouter, V extends AuthorizeResult = typeof anonymous>(
  options: LambdaOptions<R, V>,
): LambdaHandlers {
  checkRouter(options.router)
  const line: Line = options.line ?? createLine()
  const internals = internalsOf(line)
  const originCheck = createOriginCheck(options.origins ?? [], internals)
  const telemetry = options.telemetry ?? consoleTelemetry
  const readSlot = createSlotReader(internals.log)
  const server = toServer(options, internals)
  const admission = (): AdmissionOptions => ({
    authorize: options.authorize,
    allowsOrigin: originCheck(),
  })

  /** Runs one invocation in its own context: the line's backend, this router, and a deadline before the function's. */
  const serve = async <T>(
    invoked: Invoked,
    capMs: number,
    fn: (scope: InvocationContext) => Promise<T>,
  ): Promise<T> => {
    const recording = telemetry.begin(invocationOf(invoked))
    const { traceparent } = invoked
    const made = toInvocationContext(internals.scope(), server, Math.min(capMs, workingMs(invoked.context)), recording)
    const scope = traceparent === undefined ? made : { ...made, traceparent }
    try {
      return await internals.enter(scope, () => fn(scope))
    } finally {
      scope.deadline[Symbol.dispose]()
      recording.end()
    }
  }

  const authorizer: AwsHandler = async (event, context) => {
    if (!isAuthorizerEvent(event))
      throw new TypeError('Expected the event of a REQUEST authorizer. Set the type of the authorizer to REQUEST.')
    // [LAW-DEADLINE]: `authorize` is the application's code and may hang. It needs no table, so no backend is needed.
    using deadline = createDeadline(internals.clock(), workingMs(context))
    const recording = telemetry.begin(invocationOf({ name: 'authorizer', context }))
    const authorized = withinDeadline(deadline.signal, authorizeConnect(admission(), event, recording))
    return await authorized.finally(() => recording.end())
  }
  const websocket: AwsHandler = async (event, context) => {
    if (!isGatewayEvent(event)) throw new TypeError('Expected the event of a route of an API Gateway WebSocket API.')
    return serve({ name: 'websocket', context }, limits.frameDeadlineMs.value, (scope) =>
      onGatewayEvent(scope, admission(), event),
    )
  }
  const tableStream: AwsHandler = async (event, context) =>
    serve({ name: 'tableStream', context }, Number.POSITIVE_INFINITY, async (scope) => {
      const failed = await Promise.all([
        deliverStreamed(scope, toStreamedSlots(event, readSlot)),
        appendStreamed(scope, toStreamedPresences(event)),
      ])
      return failedItems(failed.flat())
    })
  const deliverHandler: AwsHandler = async (event, context) => {
    if (isQueueEvent(event))
      return serve({ name: 'deliver', context }, Number.POSITIVE_INFINITY, async (scope) =>
        failedItems(await doQueued(scope, toQueuedWork(event))),
      )
    // a message of the queue that failed finally, and that an operator sent again by `trunkline redrive`
    if (isPresenceCheck(event)) {
      await serve({ name: 'deliver', context }, Number.POSITIVE_INFINITY, (scope) => checkPresence(scope, event))
      return {}
    }
    if (!isDeliverJob(event))
      throw new TypeError(
        'Expected { topic, offset }, { topic, data } or { presence }, as Trunkline invokes `deliver`.',
      )
    const { traceparent } = event
    const invoked = { name: 'deliver', context, ...(traceparent === undefined ? {} : { traceparent }) }
    await serve(invoked, Number.POSITIVE_INFINITY, (scope) => deliver(scope, event))
    return {}
  }
  const worker: AwsHandler = async (event, context) => {
    if (!isWorkerJob(event)) throw new TypeError('Expected a worker job, as Trunkline invokes `worker`.')
    await serve({ name: 'worker', context }, Number.POSITIVE_INFINITY, (scope) => work(scope, event))
    return {}
  }
  const handler: AwsHandler = (event, context) => {
    if (isAuthorizerEvent(event)) return authorizer(event, context)
    if (isGatewayEvent(event)) return websocket(event, context)
    if (isQueueEvent(event)) return deliverHandler(event, context)
    if (isRecord(event) && Array.isArray(event['Records'])) return tableStream(event, context)
    if (isDeliverJob(event) || isPresenceCheck(event)) return deliverHandler(event, context)
    return worker(event, context)
  }
  const handlers = { handler, authorizer, websocket, tableStream, deliver: deliverHandler, worker }
  return attachApplication(handlers, {
    router: options.router,
    get channels() {
      return internals.channels()
    },
    authorizes: options.authorize !== undefined,
  })
}

/** The response by which Lambda repeats only these records. */
function failedItems(failed: readonly string[]) {
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) }
}

async function onGatewayEvent(
  scope: InvocationContext,
  admission: AdmissionOptions,
  event: GatewayEvent,
): Promise<unknown> {
  const { connectionId, eventType, connectedAt, routeKey } = event.requestContext
  switch (eventType) {
    case 'CONNECT':
      return onConnect(scope, admission, event)
    case 'DISCONNECT':
      await disconnect(scope, connectionId, connectedAt)
      return { statusCode: 200 }
    case 'MESSAGE': {
      const twoWay = twoWayRoutes.has(routeKey)
      const caller = callerOf(event)
      return {
        statusCode: 200,
        body: await receive(scope, { connectionId, caller, connectedAt, text: event.body, twoWay }),
      }
    }
  }
}

/**
 * Admits a connection. Without an authorizer on the route it calls `authorize` itself, so that a deployment cannot skip
 * it.
 */
async function onConnect(scope: InvocationContext, options: AdmissionOptions, event: GatewayEvent): Promise<unknown> {
  const authorized = callerOf(event)
  const admission =
    authorized === undefined
      ? await withinDeadline(scope.deadline.signal, admit(options, event, scope.telemetry))
      : ({ status: 'admitted', caller: authorized } as const)
  if (admission.status === 'foreign-origin') return { statusCode: 403 }
  if (authorized === undefined && admission.caller.refused !== undefined) return { statusCode: 401 }
  await connect(scope, admission.caller, event.requestContext.connectedAt)
  return { statusCode: 200, headers: selectedSubprotocol(admission.caller) }
}

/** An invocation, as the platform makes it. */
interface Invoked {
  readonly name: string
  readonly context: unknown
  readonly traceparent?: string
}

/** The function's name and the invocation's id, if the platform gives them. */
function invocationOf({ name, context }: Invoked): InvocationFacts {
  const { functionName, awsRequestId } = (context ?? {}) as FunctionContext
  return { functionName: functionName ?? name, requestId: awsRequestId }
}

function toServer<R extends AnyTRPCRouter, V extends AuthorizeResult>(
  options: ServeOptions<R, V>,
  internals: LineInternals,
): Server {
  const { router, createContext, onError } = options
  return {
    router,
    maxBatchSize: options.maxBatchSize ?? limits.batchSize.value,
    maxMessageBytes: checkMessageBytes(options.maxMessageBytes ?? limits.maxMessageBytes.value),
    maxStoredInputBytes: checkStoredInputBytes(options.maxStoredInputBytes ?? limits.storedInputBytes.value),
    createContext: async (call) =>
      createContext === undefined ? {} : createContext(call as CallDetails & CallerOf<V>), // by `authorize`
    identify: (token) => identify(options.authorize, token, internals.log),
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

/** Messages of the AWS SDK name tables, accounts and roles, so clients must not get them. */
function isSecret(error: TRPCError): boolean {
  const { cause } = error
  const isOfSdk = cause !== undefined && cause.message === error.message && '$metadata' in cause
  return isOfSdk || secret.test(error.message)
}

/** Logs errors of the server. Errors of the client are reported to the client only. */
function logFailure({ entered, log }: LineInternals, { error, path, cause, ...failure }: Failure): void {
  if (error.code !== 'INTERNAL_SERVER_ERROR' && error.code !== 'TIMEOUT') return
  const traceparent = failure.traceparent ?? entered()?.traceparent // [TL-TRACE-2]
  const facts = { path, cause, traceparent, code: error.code, stack: error.cause?.stack ?? error.stack }
  log({ level: 'ERROR', message: error.message, facts })
}

const largestMessageBytes = 4_194_304 // 4 MB: below Lambda's response limit of 6 MB, and little of a function's memory

/** Throws a `RangeError`. */
function checkMessageBytes(bytes: number): number {
  const least = limits.messageBytes.value
  if (Number.isInteger(bytes) && bytes >= least && bytes <= largestMessageBytes) return bytes
  throw new RangeError(`Expected maxMessageBytes from ${least} to ${largestMessageBytes}, got ${bytes}.`)
}

/**
 * Throws a `TypeError` if the value is not a router, so that the error appears at start and not with the first frame.
 */
function checkRouter(router: unknown): void {
  const { _def } = Object(router) as { readonly _def?: { readonly procedures?: unknown } }
  if (typeof _def?.procedures === 'object') return
  throw new TypeError(`Expected router to be made by tRPC's router(…), got ${describeValue(router)}`)
}

/** Throws a `RangeError`. */
function checkStoredInputBytes(bytes: number): number {
  const most = limits.storedBytes.value
  if (Number.isInteger(bytes) && bytes >= 0 && bytes <= most) return bytes
  throw new RangeError(`Expected maxStoredInputBytes from 0 to ${most}, got ${bytes}.`)
}

/**
 * Allows the origins of the options and of the environment. The variable is read again if it has changed. Throws a
 * `TypeError` for an origin that no browser sends.
 */
function createOriginCheck(origins: Origins, { envPrefix }: LineInternals): () => AllowsOrigin {
  const name = `${envPrefix}_ORIGINS`
  const allowsGiven = parseOrigins(origins, '`origins`')
  let read: { readonly text: string; readonly allows: AllowsOrigin } | undefined
  const allowsRead = () => {
    const text = process.env[name] ?? ''
    if (read?.text !== text) {
      const listed = text.split(',').flatMap((origin) => origin.trim() || [])
      read = { text, allows: parseOrigins(listed, name) }
    }
    return read.allows
  }
  allowsRead()
  return () => {
    const allows = allowsRead()
    return async (origin, onError) => (await allows(origin, onError)) || allowsGiven(origin, onError)
  }
}
