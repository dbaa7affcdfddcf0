import type { AnyTRPCRouter } from '@trpc/server'
import { defined, limits, withDocs } from '@trunkline/protocol'
import type { AuthorizeResult, anonymous } from '../define/identity.ts'
import { createLine } from '../line/create-line.ts'
import { internalsOf, type LineInternals } from '../line/internals.ts'
import { createSlotReader } from '../ports/event-row.ts'
import { lazyPart } from '../ports/lazy-part.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import { isWorkerJob } from '../runtime/calls/worker-job.ts'
import { createDeadline, withinDeadline } from '../runtime/context/deadline.ts'
import { isStreamJob } from '../runtime/streams/settle.ts'
import { attachApplication } from './application.ts'
import type { AdmissionOptions } from './authorize/admission.ts'
import { authorizeConnect } from './authorize/authorizer.ts'
import { createOriginCheck } from './authorize/origins.ts'
import { checkRouter, checkServeNames } from './check-options.ts'
import type { AwsHandler } from './events/events.ts'
import { isAuthorizerEvent, isDeliverJob, isGatewayEvent, isRecord } from './events/events.ts'
import { isCheck, isQueueEvent, toQueuedWork } from './events/queue-records.ts'
import { workingMs } from './events/time-left.ts'
import { onGatewayEvent } from './gateway-event.ts'
import { asksForEvents, type HttpEvent, isHttpEvent } from './http/http-event.ts'
import { type StreamingHandler, streamify, writeResponse } from './http/response-stream.ts'
import type { LambdaHandlers, LambdaOptions } from './options.ts'
import { consoleTelemetry, createServe, invocationOf, type Serve } from './serve.ts'
import { toServer } from './served-application.ts'

/** What handles all events but those of the WebSocket API. */
const otherEvents = lazyPart(['tableStream', 'deliver'], () => import('./other-events.ts'))

/**
 * Creates the Lambda handlers that serve a router over a line. Nothing is read or opened until the first event. Throws
 * a `TypeError` or a `RangeError` for an invalid option.
 */
export function createLambdaHandlers<R extends AnyTRPCRouter, V extends AuthorizeResult = typeof anonymous>(
  options: LambdaOptions<R, V>,
): LambdaHandlers {
  checkServeNames(options)
  const { router, line = createLine(), authorize, origins = [], telemetry = consoleTelemetry } = options
  checkRouter(router)
  const internals = internalsOf(line)
  const originCheck = createOriginCheck(origins, internals.envPrefix)
  const serve = createServe(internals, toServer(options, internals), telemetry)
  const admission = (): AdmissionOptions => ({ authorize, allowsOrigin: originCheck() })
  const handlers = {
    authorizer: createAuthorizer({ internals, telemetry, admission }),
    websocket: createWebsocket(serve, admission),
    tableStream: createTableStream(serve, internals),
    deliver: createDeliver(serve),
    worker: createWorker(serve),
    http: createHttp(serve, admission),
    httpStream: createHttpStream(serve, admission),
  }
  return attachApplication(
    { handler: toOneHandler(handlers), ...handlers },
    {
      router,
      get channels() {
        return internals.channels()
      },
      authorizes: authorize !== undefined,
    },
  )
}

interface AuthorizerOptions {
  readonly internals: LineInternals
  readonly telemetry: Telemetry
  readonly admission: () => AdmissionOptions
}

function createAuthorizer({ internals, telemetry, admission }: AuthorizerOptions): AwsHandler {
  return async (event, lambdaContext) => {
    if (!isAuthorizerEvent(event))
      throw new TypeError(
        withDocs(
          'invocations',
          `Expected the event of a REQUEST authorizer, got ${describeEvent(event)}. Set the type of the authorizer to REQUEST.`,
        ),
      )
    // [LAW-DEADLINE]: `authorize` is the application's code and may hang. It needs no table, so no backend is needed.
    using deadline = createDeadline(internals.clock(), workingMs(lambdaContext))
    const recording = telemetry.begin(invocationOf({ name: 'authorizer', lambdaContext }))
    const authorized = withinDeadline(deadline, authorizeConnect(admission(), event, recording))
    return await authorized.finally(() => recording.end())
  }
}

function createWebsocket(serve: Serve, admission: () => AdmissionOptions): AwsHandler {
  const maxMs = limits.frameDeadlineMs.value
  return (event, lambdaContext) => {
    if (!isGatewayEvent(event))
      return Promise.reject(
        new TypeError(
          `Expected the event of a route of an API Gateway WebSocket API, got ${describeEvent(event)}. Use this handler for these routes only.`,
        ),
      )
    return serve({ name: 'websocket', lambdaContext, maxMs }, (context) => onGatewayEvent(context, admission, event))
  }
}

function createTableStream(serve: Serve, { log }: LineInternals): AwsHandler {
  const readSlot = createSlotReader(log)
  return async (event, lambdaContext) => {
    const { onStreamRecords } = otherEvents.loaded ?? (await otherEvents.load())
    return serve({ name: 'tableStream', lambdaContext }, async (context) =>
      failedItems(await onStreamRecords(context, event, readSlot)),
    )
  }
}

function createDeliver(serve: Serve): AwsHandler {
  return async (event, lambdaContext) => {
    const invoked = { name: 'deliver', lambdaContext }
    const { deliver, doQueued, runCheck } = otherEvents.loaded ?? (await otherEvents.load())
    if (isQueueEvent(event))
      return serve(invoked, async (context) => failedItems(await doQueued(context, toQueuedWork(event))))
    // a message of the queue that failed finally, and that an operator sent again by `trunkline redrive`
    if (isCheck(event)) {
      await serve(invoked, (context) => runCheck(context, event))
      return {}
    }
    if (!isDeliverJob(event))
      throw new TypeError(
        withDocs(
          'invocations',
          `Expected { topic, offset }, { topic, data }, { presence } or { unconfirmed }, as Trunkline invokes \`deliver\`, got ${describeEvent(event)}. Let only Trunkline invoke this function.`,
        ),
      )
    const { traceparent } = event
    await serve({ ...invoked, ...defined({ traceparent }) }, (context) => deliver(context, event))
    return {}
  }
}

function createWorker(serve: Serve): AwsHandler {
  return async (event, lambdaContext) => {
    if (!isWorkerJob(event) && !isStreamJob(event))
      throw new TypeError(
        withDocs(
          'invocations',
          `Expected a worker job, as Trunkline invokes \`worker\`, got ${describeEvent(event)}. Let only Trunkline invoke this function.`,
        ),
      )
    const { work } = otherEvents.loaded ?? (await otherEvents.load())
    await serve({ name: 'worker', lambdaContext }, (context) => work(context, event))
    return {}
  }
}

function createHttp(serve: Serve, admission: () => AdmissionOptions): AwsHandler {
  return async (event, lambdaContext) => {
    const request = checkHttpEvent(event)
    const { onHttpEvent } = otherEvents.loaded ?? (await otherEvents.load())
    return serve({ name: 'http', lambdaContext, maxMs: limits.frameDeadlineMs.value }, (context) =>
      onHttpEvent(context, admission(), request),
    )
  }
}

function createHttpStream(serve: Serve, admission: () => AdmissionOptions): StreamingHandler {
  return streamify(async (event, stream, lambdaContext) => {
    const request = checkHttpEvent(event)
    // Frames have as long as without streaming; events last until the function ends them.
    const maxMs = asksForEvents(request) ? {} : { maxMs: limits.frameDeadlineMs.value }
    const left = new AbortController()
    for (const name of ['close', 'error'] as const) stream.once(name, () => left.abort()) // before the first wait
    const { onHttpEvent } = otherEvents.loaded ?? (await otherEvents.load())
    await serve({ name: 'http', lambdaContext, ...maxMs }, async (context) =>
      writeResponse(stream, await onHttpEvent(context, admission(), request, { streams: true, left: left.signal })),
    )
  })
}

function checkHttpEvent(event: unknown): HttpEvent {
  if (isHttpEvent(event)) return event
  throw new TypeError(
    withDocs(
      'invocations',
      `Expected an HTTP request in payload format 2.0, got ${describeEvent(event)}. Set the payload format of the HTTP API's integration to 2.0, or use a function URL.`,
    ),
  )
}

/** One handler for all events. It is chosen by the shape of the event. */
function toOneHandler(handlers: Omit<LambdaHandlers, 'handler' | 'httpStream'>): AwsHandler {
  const { authorizer, websocket, tableStream, deliver, worker } = handlers
  return (event, lambdaContext) => {
    if (isAuthorizerEvent(event)) return authorizer(event, lambdaContext)
    if (isGatewayEvent(event)) return websocket(event, lambdaContext)
    if (isHttpEvent(event)) return handlers.http(event, lambdaContext)
    if (isQueueEvent(event)) return deliver(event, lambdaContext)
    if (isRecord(event) && Array.isArray(event['Records'])) return tableStream(event, lambdaContext)
    if (isDeliverJob(event) || isCheck(event)) return deliver(event, lambdaContext)
    return worker(event, lambdaContext)
  }
}

/** The response by which Lambda repeats only these records. */
function failedItems(failed: readonly string[]) {
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) }
}

/** The names of an event's members, which have no secrets. */
function describeEvent(event: unknown): string {
  return isRecord(event) ? `an event with { ${Object.keys(event).join(', ')} }` : typeof event
}
