import type { Recorder } from '../../ports/telemetry.ts'
import type { ConnectionCaller } from '../../runtime/context/caller.ts'
import { type AuthorizerEvent, type GatewayEvent, isRecord } from '../events/events.ts'
import { type AdmissionOptions, admit, checkCallerBytes } from './admission.ts'

const contextKey = 'trunkline'

/**
 * The REQUEST authorizer of `$connect`. API Gateway adds its context to every later event of the connection, so that a
 * call need not read the caller from the table.
 */
export async function authorizeConnect(
  options: AdmissionOptions,
  event: AuthorizerEvent,
  telemetry: Recorder,
): Promise<unknown> {
  const admission = await admit(options, event, telemetry)
  if (admission.status === 'foreign-origin')
    return toResult(event, { effect: 'Deny', principalId: 'foreign-origin', context: {} })
  const { connectionId: _, ...caller } = admission.caller
  const text = JSON.stringify(caller)
  checkCallerBytes(text)
  return toResult(event, {
    effect: 'Allow',
    principalId: caller.principal ?? 'anonymous',
    context: { [contextKey]: text },
  })
}

/** The caller in the context of the authorizer. Undefined if the route has none. */
export function callerOf(event: GatewayEvent): ConnectionCaller | undefined {
  const text = event.requestContext.authorizer?.[contextKey]
  if (typeof text !== 'string') return undefined
  const caller: unknown = JSON.parse(text)
  if (!isRecord(caller)) return undefined
  const { connectionId } = event.requestContext
  return Object.assign(caller as Omit<ConnectionCaller, 'connectionId'>, { connectionId }) // `authorizeConnect` wrote it
}

interface AuthorizerResult {
  readonly effect: 'Allow' | 'Deny'
  readonly principalId: string
  readonly context: Readonly<Record<string, string>>
}

function toResult(event: AuthorizerEvent, { effect, ...result }: AuthorizerResult) {
  const statement = { Action: 'execute-api:Invoke', Effect: effect, Resource: event.methodArn }
  return { ...result, policyDocument: { Version: '2012-10-17', Statement: [statement] } }
}
