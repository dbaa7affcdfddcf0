import type { LocalClock } from '../../clock.ts'
import type { Intercept } from '../../idle-connections.ts'
import type { EventFields } from './headers.ts'

/** The effect of a hook on a message. `GatewayHooks` defines each effect at each point. */
export type HookEffect = 'pass' | 'drop' | 'duplicate' | 'gone' | 'throttle' | 'fail' | 'hang'

/**
 * An effect, or a delay after which the message passes: for a time by the clock, or until a promise settles (which
 * causes a reorder).
 */
export type HookResult = HookEffect | { readonly delayMs: number } | { readonly until: Promise<unknown> }

/** A message from a client. */
export interface FrameInfo {
  readonly connectionId: string
  readonly requestId: string
  /** Undefined when no route matches. */
  readonly routeKey: string | undefined
  readonly text: string
}

/** The route response to a frame. */
export interface RouteResponseInfo extends FrameInfo {
  /** The message that it responds to; `text` is the response. */
  readonly frame: string
  readonly from: 'function' | 'mock' | 'gateway'
}

/** A POST to `@connections`. */
export interface PushInfo {
  readonly connectionId: string
  readonly text: string
}

/** A handshake, before the authorizer. */
export interface ConnectInfo {
  readonly connectionId: string
  readonly headers: EventFields['single']
  readonly query: EventFields['single']
}

/** The end of a connection as `$disconnect` reports it. */
export interface EndInfo {
  readonly connectionId: string
  readonly code: number
  readonly reason: string
}

/** Observes and disturbs the gateway. A hook that returns nothing only observes. */
export interface GatewayHooks {
  /**
   * drop: not routed. gone: the socket is cut. throttle, fail, hang: the gateway's frame for a throttle, an error or
   * (after the limit) a timeout is sent, without an invocation.
   */
  frame?(info: FrameInfo): HookResult | undefined
  /**
   * drop: not sent. gone: the socket is cut instead. throttle, fail, hang: the gateway's frame is sent instead, after
   * the function has run.
   */
  answer?(info: RouteResponseInfo): HookResult | undefined
  /**
   * drop: 200, not sent. duplicate: sent twice. gone: 410. throttle: 429. fail: 500. hang: neither sent nor answered.
   */
  push?(info: PushInfo): HookResult | undefined
  /**
   * drop: the socket is destroyed and no function runs. gone: cut as soon as it is open. throttle: 429. fail: 500.
   * hang: never answered. duplicate: same as pass.
   */
  connect?(info: ConnectInfo): HookResult | undefined
  /** Observes an upgrade request that was rejected before any function ran. */
  rejectedUpgrade?(info: { readonly path: string; readonly status: number }): void
  /** Called for each request to `@connections` before it is handled. Returns true if it handled the request itself. */
  intercept?: Intercept
  /** Observes the callback API's response to a push. */
  pushed?(info: PushInfo & { readonly status: number }): void
  /** Observes a message from a client before it is processed. */
  received?(info: PushInfo): void
  /** Observes every message that is sent into an open socket. */
  sent?(info: PushInfo): void
  /** Observes the opening of a connection. */
  opened?(info: { readonly connectionId: string }): void
  /** Observes the end of a connection. */
  ended?(info: EndInfo): void
}

/** Calls `act` with a hook's effect, immediately or after the requested delay. */
export function applyHookResult(
  clock: LocalClock,
  result: HookResult | undefined,
  act: (effect: HookEffect) => void,
): void {
  if (result === undefined) act('pass')
  else if (typeof result === 'string') act(result)
  else if ('delayMs' in result) clock.after(result.delayMs, () => act('pass'))
  else
    result.until.then(
      () => act('pass'),
      () => act('pass'), // a rejected promise delays nothing either
    )
}
