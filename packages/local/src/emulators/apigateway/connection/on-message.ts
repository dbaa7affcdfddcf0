import { toMessageEvent } from '../integration/events.ts'
import { applyHookResult, type FrameInfo, type HookEffect, type HookResult } from '../integration/hooks.ts'
import type { IntegrationResult } from '../integration/invoke.ts'
import { parseProxyResponse } from '../integration/proxy-response.ts'
import type { OpenConnection } from './connection.ts'
import type { GatewayContext } from './gateway-context.ts'
import { type Message, type RouteResponse, sendRouteResponse, toGatewayResponse } from './route-response.ts'

/**
 * Handles a client's message: selects its route, runs the route's function and sends the response of a two-way route.
 */
export function onMessage(gateway: GatewayContext, connection: OpenConnection, text: string): void {
  const route = gateway.selectRoute(text)
  const { connectionId } = connection.info
  const info = { connectionId, requestId: gateway.ids.request(), routeKey: route?.key, text }
  const message: Message = { connection, route, time: gateway.clock.now(), info }
  const sendError = (text: string) => sendRouteResponse(gateway, message, toGatewayResponse(info, text))
  const actions: Record<HookEffect, () => void> = {
    pass: () => run(gateway, message),
    drop: () => {},
    duplicate: () => {
      run(gateway, message)
      run(gateway, message)
    },
    gone: () => connection.cut(),
    throttle: () => sendError(gateway.undocumented.throttledMessage),
    fail: () => sendError('Internal server error'),
    hang: () => gateway.clock.after(gateway.limits.integrationMs, () => sendError('Endpoint request timed out')),
  }
  const result = gateway.mayMessage() ? callHook(gateway, info) : 'throttle'
  applyHookResult(gateway.clock, result, (effect) => actions[effect]())
}

function callHook({ hooks, undocumented, clock }: GatewayContext, info: FrameInfo): HookResult {
  const jitter = undocumented.orderJitterMs
  return hooks.frame?.(info) ?? (jitter > 0 ? { delayMs: clock.random() * jitter } : 'pass')
}

function run(gateway: GatewayContext, message: Message): void {
  const done = respondTo(gateway, message).then((response) => {
    if (response !== undefined) sendRouteResponse(gateway, message, response)
  })
  void gateway.inFlight.track(done)
}

async function respondTo(gateway: GatewayContext, message: Message): Promise<RouteResponse | undefined> {
  const { connection, route, info, time } = message
  if (route === undefined) return toGatewayResponse(info, 'Forbidden')
  if ('mock' in route) return { text: route.mock, from: 'mock' } // [TL-PING-1]
  const messageId = gateway.ids.message(info.connectionId)
  const eventInfo = { routeKey: route.key, requestId: info.requestId, time, messageId, body: info.text }
  const event = toMessageEvent(connection.info, eventInfo)
  return toRouteResponse(gateway, message, await gateway.integrate(route.functionName, event))
}

/**
 * The response that a function's result produces. The result's shape is checked on one-way routes as well, although
 * they send only error responses.
 */
function toRouteResponse(
  { undocumented, limits }: GatewayContext,
  { route, info }: Message,
  result: IntegrationResult,
): RouteResponse | undefined {
  if (result.status === 'integration-timeout') return toGatewayResponse(info, 'Endpoint request timed out')
  const response = result.status === 'ok' ? parseProxyResponse(result.payload) : undefined
  if (response === undefined) return toGatewayResponse(info, 'Internal server error')
  if (!route?.twoWay) return undefined
  const failed = response.statusCode >= 300 && undocumented.failedBody === 'internal-server-error'
  const tooLarge = Buffer.byteLength(response.body ?? '') > limits.messageBytes
  if (failed || tooLarge) return toGatewayResponse(info, 'Internal server error')
  if (response.body === undefined && undocumented.emptyBody === 'nothing') return undefined
  return { text: response.body ?? '', from: 'function' }
}
