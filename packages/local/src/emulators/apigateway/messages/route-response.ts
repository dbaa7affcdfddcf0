import type { OpenConnection } from '../connection/connection.ts'
import type { GatewayParts } from '../connection/gateway-context.ts'
import { type AnswerInfo, afterVerdict, type FrameInfo, type HookEffect } from '../integration/hooks.ts'
import type { Route } from '../integration/routes.ts'
import { formatGatewayFrame } from './gateway-frame.ts'

/** A text that answers a message, and whose it is. */
export type Answer = Pick<AnswerInfo, 'text' | 'from'>

/** What the gateway itself says to a message. */
export function toGatewayAnswer({ connectionId, requestId }: FrameInfo, said: string): Answer {
  return { text: formatGatewayFrame(said, connectionId, requestId), from: 'gateway' }
}

/** Sends an answer, unless the `answer` hook wants otherwise. */
export function sendAnswer(parts: GatewayParts, { connection, info }: Message, { text, from }: Answer): void {
  const say = (said: string) => connection.send(toGatewayAnswer(info, said).text)
  const acts: Record<HookEffect, () => void> = {
    pass: () => connection.send(text),
    drop: () => {},
    duplicate: () => {
      connection.send(text)
      connection.send(text)
    },
    gone: () => connection.cut(),
    throttle: () => say(parts.unsure.throttledMessage),
    fail: () => say('Internal server error'),
    hang: () => parts.clock.after(parts.walls.integrationMs, () => say('Endpoint request timed out')),
  }
  const verdict = parts.hooks.answer?.({ ...info, frame: info.text, text, from })
  afterVerdict(parts.clock, verdict, (effect) => acts[effect]())
}

/** One message on its way: each is an invocation of its own, and none waits for another. */
export interface Message {
  readonly connection: OpenConnection
  readonly route: Route | undefined
  readonly time: number
  readonly info: FrameInfo
}
