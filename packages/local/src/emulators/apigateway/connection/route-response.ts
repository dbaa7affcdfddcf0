import { applyHookResult, type FrameInfo, type HookEffect, type RouteResponseInfo } from '../integration/hooks.ts'
import type { Route } from '../integration/routes.ts'
import type { OpenConnection } from './connection.ts'
import type { GatewayContext } from './gateway-context.ts'

/** A response to a message, and its source. */
export type RouteResponse = Pick<RouteResponseInfo, 'text' | 'from'>

/** The gateway's own response to a message. */
export function toGatewayResponse({ connectionId, requestId }: FrameInfo, message: string): RouteResponse {
  return { text: formatGatewayFrame(message, connectionId, requestId), from: 'gateway' }
}

/** Sends a route response, subject to the `answer` hook. */
export function sendRouteResponse(
  gateway: GatewayContext,
  { connection, info }: Message,
  { text, from }: RouteResponse,
): void {
  const sendError = (message: string) => connection.send(toGatewayResponse(info, message).text)
  const actions: Record<HookEffect, () => void> = {
    pass: () => connection.send(text),
    drop: () => {},
    duplicate: () => {
      connection.send(text)
      connection.send(text)
    },
    gone: () => connection.cut(),
    throttle: () => sendError(gateway.undocumented.throttledMessage),
    fail: () => sendError('Internal server error'),
    hang: () => gateway.clock.after(gateway.limits.integrationMs, () => sendError('Endpoint request timed out')),
  }
  const result = gateway.hooks.answer?.({ ...info, frame: info.text, text, from })
  applyHookResult(gateway.clock, result, (effect) => actions[effect]())
}

/** One message that is being processed. Each message is a separate invocation, and none waits for another. */
export interface Message {
  readonly connection: OpenConnection
  readonly route: Route | undefined
  readonly time: number
  readonly info: FrameInfo
}

/**
 * [TL-GW-1] The frame that the gateway sends when it has no function result (the connection stays open), byte for byte:
 * one space after the first colon and after the commas, none elsewhere.
 */
function formatGatewayFrame(message: string, connectionId: string, requestId: string): string {
  return `{"message": ${JSON.stringify(message)}, "connectionId":"${connectionId}", "requestId":"${requestId}"}`
}
