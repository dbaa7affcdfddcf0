import { connect, disconnect } from '../runtime/connections/connect.ts'
import { scheduleUnconfirmedCheck } from '../runtime/connections/unconfirmed.ts'
import { withinDeadline } from '../runtime/context/deadline.ts'
import type { InvocationContext } from '../runtime/context/runtime-context.ts'
import { receive } from '../runtime/receive.ts'
import { type AdmissionOptions, admit, selectedSubprotocol } from './authorize/admission.ts'
import { callerOf } from './authorize/authorizer.ts'
import { type GatewayEvent, twoWayRoutes } from './events/events.ts'

/** Handles an event of the WebSocket API: a connect, a message or a disconnect. Returns the route's response. */
export async function onGatewayEvent(
  context: InvocationContext,
  admission: AdmissionOptions,
  event: GatewayEvent,
): Promise<unknown> {
  const { connectionId, eventType, connectedAt, routeKey } = event.requestContext
  switch (eventType) {
    case 'CONNECT':
      return onConnect(context, admission, event)
    case 'DISCONNECT':
      await disconnect(context, connectionId, connectedAt)
      return { statusCode: 200 }
    case 'MESSAGE': {
      const twoWay = twoWayRoutes.has(routeKey)
      const caller = callerOf(event)
      return {
        statusCode: 200,
        body: await receive(context, { connectionId, caller, connectedAt, text: event.body, twoWay }),
      }
    }
  }
}

/**
 * Admits a connection. Without an authorizer on the route it calls `authorize` itself, so that a deployment cannot skip
 * it.
 */
async function onConnect(context: InvocationContext, options: AdmissionOptions, event: GatewayEvent): Promise<unknown> {
  const authorized = callerOf(event)
  const admission =
    authorized === undefined
      ? await withinDeadline(context.deadline.signal, admit(options, event, context.telemetry))
      : ({ status: 'admitted', caller: authorized } as const)
  if (admission.status === 'foreign-origin') return { statusCode: 403 }
  if (authorized === undefined && admission.caller.refused !== undefined) return { statusCode: 401 }
  await connect(context, admission.caller, event.requestContext.connectedAt)
  await scheduleUnconfirmedCheck(context, admission.caller)
  return { statusCode: 200, headers: selectedSubprotocol(admission.caller) }
}
