import type { OpenConnection } from '../connection/connection.ts'
import type { GatewayParts } from '../connection/gateway-context.ts'
import { toMessageEvent } from '../integration/events.ts'
import { afterVerdict, type FrameInfo, type HookEffect, type HookVerdict } from '../integration/hooks.ts'
import type { IntegrationResult } from '../integration/invoke.ts'
import { parseProxyResponse } from '../integration/proxy-response.ts'
import type { Message } from './route-response.ts'
import { type Answer, sendAnswer, toGatewayAnswer } from './route-response.ts'

/** Takes a client's message: selects its route, runs the route's function and sends what a two-way route answers. */
export function takeMessage(parts: GatewayParts, connection: OpenConnection, text: string): void {
  const route = parts.selectRoute(text)
  const { connectionId } = connection.facts
  const info = { connectionId, requestId: parts.ids.request(), routeKey: route?.key, text }
  const message: Message = { connection, route, time: parts.clock.now(), info }
  const say = (said: string) => sendAnswer(parts, message, toGatewayAnswer(info, said))
  const acts: Record<HookEffect, () => void> = {
    pass: () => run(parts, message),
    drop: () => {},
    duplicate: () => {
      run(parts, message)
      run(parts, message)
    },
    gone: () => connection.cut(),
    throttle: () => say(parts.unsure.throttledMessage),
    fail: () => say('Internal server error'),
    hang: () => parts.clock.after(parts.walls.integrationMs, () => say('Endpoint request timed out')),
  }
  const verdict = parts.mayMessage() ? askHook(parts, info) : 'throttle'
  afterVerdict(parts.clock, verdict, (effect) => acts[effect]())
}

function askHook({ hooks, unsure, clock }: GatewayParts, info: FrameInfo): HookVerdict {
  const jitter = unsure.orderJitterMs
  return hooks.frame?.(info) ?? (jitter > 0 ? { delayMs: clock.random() * jitter } : 'pass')
}

function run(parts: GatewayParts, message: Message): void {
  const answered = produce(parts, message).then((answer) => {
    if (answer !== undefined) sendAnswer(parts, message, answer)
  })
  parts.work.track(answered)
}

async function produce(parts: GatewayParts, message: Message): Promise<Answer | undefined> {
  const { connection, route, info, time } = message
  if (route === undefined) return toGatewayAnswer(info, 'Forbidden')
  if ('mock' in route) return { text: route.mock, from: 'mock' } // [TL-PING-1]
  const messageId = parts.ids.message(info.connectionId)
  const occasion = { routeKey: route.key, requestId: info.requestId, time, messageId, body: info.text }
  const event = toMessageEvent(connection.facts, occasion)
  return judge(parts, message, await parts.integrate(route.functionName, event))
}

/** What a function's result sends. Its shape is checked on one-way routes as well, which else send nothing. */
function judge(
  { unsure, walls }: GatewayParts,
  { route, info }: Message,
  result: IntegrationResult,
): Answer | undefined {
  if (result.status === 'late') return toGatewayAnswer(info, 'Endpoint request timed out')
  const response = result.status === 'ok' ? parseProxyResponse(result.payload) : undefined
  if (response === undefined) return toGatewayAnswer(info, 'Internal server error')
  if (!route?.twoWay) return undefined
  const failed = response.statusCode >= 300 && unsure.failedBody === 'internal-server-error'
  const tooLarge = Buffer.byteLength(response.body ?? '') > walls.messageBytes
  if (failed || tooLarge) return toGatewayAnswer(info, 'Internal server error')
  if (response.body === undefined && unsure.emptyBody === 'nothing') return undefined
  return { text: response.body ?? '', from: 'function' }
}
