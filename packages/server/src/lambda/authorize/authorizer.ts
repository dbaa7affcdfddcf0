import type { Recorder } from '../../ports/telemetry.ts'
import type { ConnectionCaller } from '../../runtime/context/caller.ts'
import { type AuthorizerEvent, type GatewayEvent, isRecord } from '../events/events.ts'
import { type AdmissionOptions, admit } from './admission.ts'

const contextKey = 'trunkline'
const resultBytes = 8_192 // the gateway's bound on an authorizer's whole result
const envelopeBytes = 1_024

/** The REQUEST authorizer of `$connect`. What it finds rides in its context to every later event of the connection, so that a call needs no table. */
export async function authorizeConnect(
  options: AdmissionOptions,
  event: AuthorizerEvent,
  telemetry: Recorder,
): Promise<unknown> {
  const admission = await admit(options, event, telemetry)
  if (admission.status === 'foreign-origin') return toResult(event, 'Deny', 'foreign-origin')
  const { connectionId: _, ...caller } = admission.caller
  const told = JSON.stringify(caller)
  const bytes = Buffer.byteLength(told)
  if (bytes > resultBytes - envelopeBytes)
    throw new RangeError(
      `The claims of this caller make ${bytes} bytes; an authorizer carries ${resultBytes - envelopeBytes}. Put an id into the claims and load the rest.`,
    )
  return toResult(event, 'Allow', caller.principal ?? 'anonymous', { [contextKey]: told })
}

/** The caller that an authorizer told of, if one stands before this route. */
export function callerOf(event: GatewayEvent): ConnectionCaller | undefined {
  const told = event.requestContext.authorizer?.[contextKey]
  if (typeof told !== 'string') return undefined
  const caller: unknown = JSON.parse(told)
  return isRecord(caller)
    ? ({ ...caller, connectionId: event.requestContext.connectionId } as unknown as ConnectionCaller)
    : undefined
}

function toResult(
  event: AuthorizerEvent,
  effect: 'Allow' | 'Deny',
  principalId: string,
  context: Record<string, string> = {},
) {
  const statement = { Action: 'execute-api:Invoke', Effect: effect, Resource: event.methodArn }
  return { principalId, policyDocument: { Version: '2012-10-17', Statement: [statement] }, context }
}
