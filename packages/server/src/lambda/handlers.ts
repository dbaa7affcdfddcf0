import type { AnyTRPCRouter, TRPCError } from '@trpc/server'
import { limits } from '@trunkline/protocol'
import type { AuthorizeResult, anonymous } from '../define/identity.ts'
import { ofNothing } from '../define/of-nothing.ts'
import { createLine } from '../line/create-line.ts'
import { internalsOf, type LineInternals } from '../line/internals.ts'
import type { Line } from '../line/line.ts'
import { createSlotReader } from '../ports/event-row.ts'
import type { InvocationFacts } from '../ports/telemetry.ts'
import { isWorkerJob } from '../runtime/calls/worker-job.ts'
import { connect, disconnect } from '../runtime/connections/connect.ts'
import { createDeadline, withinDeadline } from '../runtime/context/deadline.ts'
import { type InvocationContext, toInvocationContext } from '../runtime/context/scope.ts'
import type { Failure, Server } from '../runtime/context/served-application.ts'
import { deliver } from '../runtime/delivery/deliver.ts'
import { deliverStreamed } from '../runtime/delivery/deliver-from-stream.ts'
import { appendStreamed } from '../runtime/presence/append-from-stream.ts'
import { checkPresence } from '../runtime/presence/check-departed.ts'
import { receive } from '../runtime/receive.ts'
import { doQueued } from '../runtime/run-queued-jobs.ts'
import { work } from '../runtime/run-worker-job.ts'
import { notifyApplication } from './application.ts'
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

/** The functions that serve a router over a line. Nothing is read or opened until the first event. */
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

  /** Runs one invocation in its own scope: the line's backend, this router, and a deadline before the function's. */
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
    if (!isAuthorizerEvent(event)) throw new TypeError('Expected the event of a REQUEST authorizer.')
    // [LAW-DEADLINE]: `authorize` is the application's own code, and may hang. No table is needed here, so none need be bound.
    using deadline = createDeadline(internals.clock(), workingMs(context))
    const recording = telemetry.begin(invocationOf({ name: 'authorizer', context }))
    const authorized = withinDeadline(deadline.signal, authorizeConnect(admission(), event, recording))
    return await authorized.finally(() => recording.end())
  }
  const websocket: AwsHandler = async (event, context) => {
    if (!isGatewayEvent(event)) throw new TypeError('Expected the event of an API Gateway WebSocket route.')
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
    // of the queue's messages one that failed for good, by an operator's redrive
    if (isPresenceCheck(event)) {
      await serve({ name: 'deliver', context }, Number.POSITIVE_INFINITY, (scope) => checkPresence(scope, event))
      return {}
    }
    if (!isDeliverJob(event))
      throw new TypeError('Expected { topic, offset }, { topic, data } or { presence }, as the line invokes it.')
    const { traceparent } = event
    const invoked = { name: 'deliver', context, ...(traceparent === undefined ? {} : { traceparent }) }
    await serve(invoked, Number.POSITIVE_INFINITY, (scope) => deliver(scope, event))
    return {}
  }
  const worker: AwsHandler = async (event, context) => {
    if (!isWorkerJob(event)) throw new TypeError('Expected a job of the worker, as the line invokes it.')
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
  return notifyApplication(handlers, {
    router: options.router,
    get channels() {
      return internals.channels()
    },
    authorizes: options.authorize !== undefined,
  })
}

/** What Lambda is told so that these alone come again. */
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

/** Where no authorizer stands before the route, it decides here: authority never depends on how the line was deployed. */
async function onConnect(scope: InvocationContext, options: AdmissionOptions, event: GatewayEvent): Promise<unknown> {
  const told = callerOf(event)
  const admission =
    told === undefined
      ? await withinDeadline(scope.deadline.signal, admit(options, event, scope.telemetry))
      : ({ status: 'admitted', caller: told } as const)
  if (admission.status === 'foreign-origin') return { statusCode: 403 }
  if (told === undefined && admission.caller.refused !== undefined) return { statusCode: 401 }
  await connect(scope, admission.caller, event.requestContext.connectedAt)
  return { statusCode: 200, headers: selectedSubprotocol(admission.caller) }
}

/** What is run, as the platform handed it over. */
interface Invoked {
  readonly name: string
  readonly context: unknown
  readonly traceparent?: string
}

/** Names of the platform's, where it gave any. */
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
    // The facts fit `CallerOf<V>`: they were made from this authorize's own verdict.
    createContext: async (facts) => (createContext === undefined ? {} : createContext(facts as never)),
    identify: (token) => identify(options.authorize, token, internals.log),
    isSecret,
    report: (failure) => {
      try {
        if (onError === undefined) logFailure(internals, failure)
        else onError(failure)
      } catch (thrown) {
        internals.log(thrownEntry('`onError` threw.', {}, thrown)) // an `onError` that throws must not fail the call it was told of
      }
    },
  }
}

const secret = /\barn:aws|X-Amz-|\.amazonaws\.com/i

/** Words of an AWS SDK name tables, accounts and roles. */
function isSecret(error: TRPCError): boolean {
  const { cause } = error
  const spoken = cause !== undefined && cause.message === error.message && '$metadata' in cause
  return spoken || secret.test(error.message)
}

/** What a client did wrong is its own to know, and is no line. */
function logFailure({ entered, log }: LineInternals, { error, path, cause, ...failure }: Failure): void {
  if (error.code !== 'INTERNAL_SERVER_ERROR' && error.code !== 'TIMEOUT') return
  const traceparent = failure.traceparent ?? entered()?.traceparent // [TL-TRACE-2]
  const facts = { path, cause, traceparent, code: error.code, stack: error.cause?.stack ?? error.stack }
  log({ level: 'ERROR', message: error.message, facts })
}

const mostMessageBytes = 4_194_304 // 4 MB: what a function's answer and its memory bear easily

/** Throws a `RangeError`. */
function checkMessageBytes(bytes: number): number {
  const least = limits.messageBytes.value
  if (Number.isInteger(bytes) && bytes >= least && bytes <= mostMessageBytes) return bytes
  throw new RangeError(`Expected maxMessageBytes from ${least} to ${mostMessageBytes}, got ${bytes}.`)
}

/** Throws a `TypeError` for what is no router, before the first frame finds it out. */
function checkRouter(router: unknown): void {
  const { _def } = Object(router) as { readonly _def?: { readonly procedures?: unknown } }
  if (typeof _def?.procedures === 'object') return
  throw new TypeError(`Expected router to be made by tRPC's router(…), got ${ofNothing(router)}`)
}

/** Throws a `RangeError`. */
function checkStoredInputBytes(bytes: number): number {
  const most = limits.storedBytes.value
  if (Number.isInteger(bytes) && bytes >= 0 && bytes <= most) return bytes
  throw new RangeError(`Expected maxStoredInputBytes from 0 to ${most}, got ${bytes}.`)
}

/** What the options and the environment allow. The variable is read again where it changed since. Throws a `TypeError`. */
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
