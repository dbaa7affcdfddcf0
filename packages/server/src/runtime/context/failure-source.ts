import { defined } from '@trunkline/protocol'
import type { Subscriber } from '../../ports/subscribers.ts'
import { type Caller, sessionIdOf } from './caller.ts'
import { copyContext, type InvocationContext } from './runtime-context.ts'
import { copyServer, type FailureSource, type Server } from './served-application.ts'

/**
 * The same context, whose reports name the caller of a frame or a job, as it is known at the time of the report. A
 * failure that names another connection, or that says that it has none, stays as it is: the frame of a publisher
 * delivers to others.
 */
export function reportingCaller(context: InvocationContext, current: () => Caller): InvocationContext {
  return reportingAs(context, current().connectionId, () => {
    const caller = current()
    return { connectionId: caller.connectionId, sessionId: sessionIdOf(caller), principal: caller.principal }
  })
}

/** The same context, whose reports name the connection of a subscription's row. */
export function reportingRow(context: InvocationContext, row: SubscriberSource): InvocationContext {
  return reportingAs(context, row.connectionId, () => sourceOf(row))
}

/** The same context, whose reports name no connection: what several subscribers share. */
export function reportingNone(context: InvocationContext): InvocationContext {
  return reportingAs(context, undefined, () => ({ connectionId: undefined }))
}

/** What a failure needs of a row. The session and the principal are known only for a row with `piped`. */
export type SubscriberSource = Pick<Subscriber, 'connectionId' | 'piped'>

/** The source of a failure in a delivery; without a row none is known. */
export function sourceOf(
  row: SubscriberSource | undefined,
): FailureSource & { readonly connectionId: string | undefined } {
  const piped = row?.piped
  const known = piped && { sessionId: sessionIdOf(piped), principal: piped.principal }
  return { connectionId: row?.connectionId, ...defined({ ...known }) }
}

function reportingAs(
  context: InvocationContext,
  connectionId: string | undefined,
  source: () => FailureSource,
): InvocationContext {
  const { server } = context
  const report: typeof server.report = (failure) => {
    const isOwn = !('connectionId' in failure) || failure.connectionId === connectionId
    server.report(isOwn ? { ...failure, ...source() } : failure)
  }
  return withReport(context, report)
}

/** The same context with another `report`. */
export function withReport(context: InvocationContext, report: Server['report']): InvocationContext {
  const copy = copyContext(context)
  const server = copyServer(context.server)
  server.report = report
  copy.server = server
  return copy
}
