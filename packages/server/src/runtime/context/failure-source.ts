import { defined } from '@trunkline/protocol'
import type { Subscriber } from '../../ports/subscribers.ts'
import { type Caller, sessionIdOf } from './caller.ts'
import type { InvocationContext } from './runtime-context.ts'
import type { FailureSource } from './served-application.ts'

/**
 * The same context, whose reports name the caller of a frame or a job, as it is known at the time of the report. A
 * failure that names another connection, or that says that it has none, stays as it is: the frame of a publisher
 * delivers to others.
 */
export function reportingCaller<C extends InvocationContext>(context: C, current: () => Caller): C {
  return reportingAs(context, current().connectionId, () => {
    const caller = current()
    return { connectionId: caller.connectionId, sessionId: sessionIdOf(caller), principal: caller.principal }
  })
}

/** The same context, whose reports name the connection of a subscription's row. */
export function reportingRow<C extends InvocationContext>(context: C, row: SubscriberSource): C {
  return reportingAs(context, row.connectionId, () => sourceOf(row))
}

/** The same context, whose reports name no connection: what several subscribers share. */
export function reportingNone<C extends InvocationContext>(context: C): C {
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

function reportingAs<C extends InvocationContext>(
  context: C,
  connectionId: string | undefined,
  source: () => FailureSource,
): C {
  const { server } = context
  const report: typeof server.report = (failure) => {
    const isOwn = !('connectionId' in failure) || failure.connectionId === connectionId
    server.report(isOwn ? { ...failure, ...source() } : failure)
  }
  return { ...context, server: { ...server, report } }
}
