import type { LocalClock } from '../../clock.ts'
import type { Intercept } from '../../idle-connections.ts'
import type { EventFields } from './headers.ts'

/** What a hook does to what it is shown. What each means at each point is said at `GatewayHooks`. */
export type HookEffect = 'pass' | 'drop' | 'duplicate' | 'gone' | 'throttle' | 'fail' | 'hang'

/** An effect, or a wait after which it passes: for a time by the clock, or until a promise settles (which makes a reorder). */
export type HookResult = HookEffect | { readonly delayMs: number } | { readonly until: Promise<unknown> }

/** A message of a client. */
export interface FrameInfo {
  readonly connectionId: string
  readonly requestId: string
  /** Undefined when no route matches. */
  readonly routeKey: string | undefined
  readonly text: string
}

/** A text that answers a frame. */
export interface RouteResponseInfo extends FrameInfo {
  /** The message that it answers; `text` is the answer. */
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

/** A connection's end as `$disconnect` tells it. */
export interface EndInfo {
  readonly connectionId: string
  readonly code: number
  readonly reason: string
}

/** Watches and disturbs the gateway. A hook that returns nothing only watches. */
export interface GatewayHooks {
  /** drop: never routed. gone: the socket is cut. throttle, fail, hang: the gateway's frames for a throttle, an error and (after the limit) a timeout, without an invocation. */
  frame?(info: FrameInfo): HookResult | undefined
  /** drop: never sent. gone: the socket is cut instead. throttle, fail, hang: the gateway's frame instead; the function has run. */
  answer?(info: RouteResponseInfo): HookResult | undefined
  /** drop: 200, never sent. duplicate: sent twice. gone: 410. throttle: 429. fail: 500. hang: neither sent nor answered. */
  push?(info: PushInfo): HookResult | undefined
  /** drop: the socket is destroyed, nothing runs. gone: cut as soon as it is open. throttle: 429. fail: 500. hang: never answered. duplicate: as pass. */
  connect?(info: ConnectInfo): HookResult | undefined
  /** Watches a handshake that reached no stage, or was none. */
  rejectedUpgrade?(info: { readonly path: string; readonly status: number }): void
  /** Sees each request to `@connections` before it is served; true when it has dealt with it. */
  intercept?: Intercept
  /** Watches what the callback API answered to a push. */
  pushed?(info: PushInfo & { readonly status: number }): void
  /** Watches a text that a client sent, before anything is done to it. */
  received?(info: PushInfo): void
  /** Watches a text that goes into an open socket, whoever it comes from. */
  sent?(info: PushInfo): void
  /** Watches a connection open. */
  opened?(info: { readonly connectionId: string }): void
  /** Watches a connection end. */
  ended?(info: EndInfo): void
}

/** Calls `act` with a verdict's effect: at once, or after the wait it asks for. */
export function applyHookResult(
  clock: LocalClock,
  verdict: HookResult | undefined,
  act: (effect: HookEffect) => void,
): void {
  if (verdict === undefined) act('pass')
  else if (typeof verdict === 'string') act(verdict)
  else if ('delayMs' in verdict) clock.after(verdict.delayMs, () => act('pass'))
  else
    verdict.until.then(
      () => act('pass'),
      () => act('pass'), // a broken promise holds nothing back either
    )
}
