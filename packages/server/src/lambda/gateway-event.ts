import { defined } from '@trunkline/protocol'
import { callHook } from '../runtime/connections/call-hook.ts'
import { connect, disconnect } from '../runtime/connections/connect.ts'
import { scheduleUnconfirmedCheck } from '../runtime/connections/unconfirmed.ts'
import { type ConnectionCaller, sessionIdOf } from '../runtime/context/caller.ts'
import { withinDeadline } from '../runtime/context/deadline.ts'
import type { InvocationContext } from '../runtime/context/runtime-context.ts'
import { receive } from '../runtime/receive.ts'
import { type AdmissionOptions, admit, selectedSubprotocol } from './authorize/admission.ts'
import { callerOf } from './authorize/authorizer.ts'
import { type GatewayEvent, twoWayRoutes } from './events/events.ts'

/**
 * Handles an event of the WebSocket API: a connect, a message or a disconnect. Returns the route's response. Only a
 * connect asks for the options of its admission.
 */
export async function onGatewayEvent(
  context: InvocationContext,
  admission: () => AdmissionOptions,
  event: GatewayEvent,
): Promise<unknown> {
  const { connectionId, eventType, connectedAt, routeKey } = event.requestContext
  switch (eventType) {
    case 'CONNECT':
      return onConnect(context, admission(), event)
    case 'DISCONNECT':
      await onDisconnect(context, event)
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
      ? await withinDeadline(context.deadline, admit(options, event, context.telemetry))
      : ({ status: 'admitted', caller: authorized } as const)
  if (admission.status === 'foreign-origin') return { statusCode: 403 }
  if (authorized === undefined && admission.caller.refused !== undefined) return { statusCode: 401 }
  const { caller } = admission
  const connected = await connect(context, caller, event.requestContext.connectedAt)
  if (connected.status === 'closed') return { statusCode: 403 }
  const kicked = connected.status === 'kicked' ? connected.kicked : undefined
  if (kicked !== undefined && caller.explains === undefined) return { statusCode: 403 } // [TL-KICK-3]
  if (kicked === undefined && caller.refused === undefined && !(await notifyConnect(context, caller)))
    return { statusCode: 403 }
  await scheduleUnconfirmedCheck(context, { ...caller, ...defined({ kicked }) }) // [TL-KICK-4]
  return { statusCode: 200, headers: selectedSubprotocol(caller) }
}

/** Calls `onConnect`. False if the connection was closed meanwhile, as by a kick of the hook itself. */
async function notifyConnect(context: InvocationContext, caller: ConnectionCaller): Promise<boolean> {
  const { onConnect, identifyParams } = context.server
  const isSettled = caller.principal !== null || !caller.expectsParams || identifyParams === undefined
  if (onConnect === undefined || !isSettled) return true // the parameters will say who it is
  const { connectionId, principal } = caller
  const connecting = { ...context, connecting: connectionId }
  await callHook(connecting, 'onConnect', { connectionId, sessionId: sessionIdOf(caller), principal })
  return (await context.store.readConnection(connectionId))?.state === 'OPEN'
}

async function onDisconnect(context: InvocationContext, { requestContext }: GatewayEvent): Promise<void> {
  const { connectionId, connectedAt, disconnectReason = '' } = requestContext
  const row = await disconnect(context, connectionId, connectedAt)
  if (row === undefined || row.session === '' || row.kicked?.refused || row.refused !== undefined) return // not accepted
  const isSettled = row.principal !== null || row.expectsParams !== true || row.connectionParams !== undefined
  if (!isSettled && context.server.identifyParams !== undefined) return // nor was it accepted
  const { principal, kicked } = row
  const end = { reason: kicked?.reason ?? disconnectReason, kicked: kicked !== undefined }
  await callHook(context, 'onDisconnect', { connectionId, sessionId: sessionIdOf(row), principal, ...end })
}
