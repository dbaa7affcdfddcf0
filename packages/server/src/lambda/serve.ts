import { withDocs } from '@trunkline/protocol'
import type { LineInternals } from '../line/internals.ts'
import { auditOnConsole, logOnConsole } from '../ports/console-log.ts'
import type { InvocationFacts, Telemetry } from '../ports/telemetry.ts'
import { type InvocationContext, toInvocationContext } from '../runtime/context/runtime-context.ts'
import type { Server } from '../runtime/context/served-application.ts'
import type { FunctionContext } from './events/events.ts'
import { workingMs } from './events/time-left.ts'

/** An invocation, as the platform makes it. */
export interface Invoked {
  /** The handler's name, for telemetry without a function's name. */
  readonly name: string
  /** The context that Lambda passes to the handler. */
  readonly lambdaContext: unknown
  /** @default no limit but the function's own timeout, in milliseconds */
  readonly maxMs?: number
  readonly traceparent?: string
}

/** Runs one invocation in its own context: the line's backend, the router, and a deadline before the function's. */
export type Serve = <T>(invoked: Invoked, fn: (context: InvocationContext) => Promise<T>) => Promise<T>

/** Runs the invocations of one application. */
export function createServe(internals: LineInternals, server: Server, telemetry: Telemetry): Serve {
  return async (invoked, fn) => {
    const { traceparent, lambdaContext, maxMs = Number.POSITIVE_INFINITY } = invoked
    const recording = telemetry.begin(invocationOf(invoked))
    const ms = Math.min(maxMs, workingMs(lambdaContext))
    const untraced = toInvocationContext(internals.context(), server, { ms, telemetry: recording })
    const context = traceparent === undefined ? untraced : { ...untraced, traceparent }
    try {
      return await internals.enter(context, () => fn(context))
    } finally {
      warnOfUnfinished(context)
      context.deadline[Symbol.dispose]()
      recording.end()
    }
  }
}

/**
 * Warns of publishes that nobody awaited. After the answer the function is frozen, and an event that is not in its log by
 * then may be lost.
 */
function warnOfUnfinished({ deadline, publishing, telemetry }: InvocationContext): void {
  if (publishing.size === 0 || deadline.isPassed) return // the deadline has cut them off
  for (const channel of new Set([...publishing].map((each) => each.channel))) {
    const message = `Expected each publish to be awaited, and one of channel ${channel} had not finished when the function answered, so its event may be lost. Write await before publish.`
    telemetry.log({ level: 'WARN', message: withDocs('procedures', message), facts: { channel } })
  }
}

/** The function's name and the invocation's id, if the platform gives them. */
export function invocationOf({ name, lambdaContext }: Invoked): InvocationFacts {
  const { functionName, awsRequestId } = (lambdaContext ?? {}) as FunctionContext
  return { functionName: functionName ?? name, requestId: awsRequestId }
}

/** The default telemetry: log lines and audit events as JSON on the console, and no metrics. */
export const consoleTelemetry: Telemetry = {
  kind: 'console',
  begin: ({ requestId }) => ({
    measure: () => {},
    log: ({ facts, ...entry }) => logOnConsole({ ...entry, facts: { requestId, ...facts } }),
    audit: ({ facts, ...event }) => auditOnConsole({ ...event, facts: { requestId, ...facts } }),
    end: () => {},
  }),
}
