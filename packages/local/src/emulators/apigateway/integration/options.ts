import type { IncomingMessage, ServerResponse } from 'node:http'
import { limits as awsLimits } from '@trunkline/protocol'
import type { LocalClock } from '../../clock.ts'
import type { GatewayHooks } from './hooks.ts'
import type { InvokeResult, StreamOptions } from './invoke.ts'
import type { Route } from './routes.ts'
import type { Rate } from './throttle.ts'
import { type UndocumentedOptions, undocumentedDefaults } from './undocumented.ts'

/** The limits of the gateway, in bytes and milliseconds. */
export interface GatewayLimits {
  /** The size of one frame from a client. */
  readonly frameBytes: number
  /** The size of one message, in either direction. */
  readonly messageBytes: number
  /** The size of a handshake: its request line, and the names and values of its headers. */
  readonly headerBytes: number
  readonly idleMs: number
  readonly lifetimeMs: number
  /** The time that a function has to respond. */
  readonly integrationMs: number
}

/** The rates above which the gateway answers 429. @default none */
export interface GatewayThrottles {
  readonly connects?: Rate
  readonly messages?: Rate
  readonly posts?: Rate
}

/** The options of `startGateway`. */
export interface GatewayOptions {
  /** The time source of the idle, lifetime and integration limits, and of the times in events. */
  readonly clock: LocalClock
  /** @default a free port */
  readonly port?: number
  /** @default 'dev' */
  readonly stage?: string
  readonly apiId?: string
  readonly region?: string
  readonly routes: readonly Route[]
  /**
   * Runs once for each handshake; results are not cached. Sources: `route.request.header.X`,
   * `route.request.querystring.Y`.
   */
  readonly authorizer?: { readonly functionName: string; readonly identitySource: readonly string[] }
  /** Runs a function. MUST settle; a rejection counts as an error. */
  readonly invoke: (functionName: string, event: unknown, options?: StreamOptions) => Promise<InvokeResult>
  /** @default '$request.body.method' */
  readonly routeSelection?: string
  readonly limits?: Partial<GatewayLimits>
  readonly throttles?: GatewayThrottles
  readonly undocumented?: Partial<UndocumentedOptions>
  readonly hooks?: GatewayHooks
  /** Whether the callback API requires an `Authorization` header. The signature is not verified. @default true */
  readonly signed?: boolean
  /**
   * Handles requests to other paths and returns true if it did. (On AWS, `/ping` and `/sping` belong to the gateway.)
   */
  readonly http?: (request: IncomingMessage, response: ServerResponse) => boolean | undefined
  /** The function behind the HTTP API, whose routes are `/<stage>/frames` and below `/<stage>/read`. @default none */
  readonly httpFunction?: string
}

/** The options with all defaults filled in. */
export interface GatewaySettings {
  readonly clock: LocalClock
  readonly stage: string
  readonly apiId: string
  readonly region: string
  readonly routes: readonly Route[]
  readonly authorizer: GatewayOptions['authorizer']
  readonly invoke: GatewayOptions['invoke']
  readonly routeSelection: string
  readonly limits: GatewayLimits
  readonly throttles: GatewayThrottles
  readonly undocumented: UndocumentedOptions
  readonly hooks: GatewayHooks
  readonly signed: boolean
}

/** Fills in the defaults. */
export function resolveOptions(options: GatewayOptions): GatewaySettings {
  return {
    clock: options.clock,
    stage: options.stage ?? 'dev',
    apiId: options.apiId ?? 'local00000',
    region: options.region ?? 'us-east-1',
    routes: options.routes,
    authorizer: options.authorizer,
    invoke: options.invoke,
    routeSelection: options.routeSelection ?? '$request.body.method',
    limits: { ...defaultLimits, ...options.limits },
    throttles: options.throttles ?? {},
    undocumented: { ...undocumentedDefaults, ...options.undocumented },
    hooks: options.hooks ?? {},
    signed: options.signed ?? true,
  }
}

const defaultLimits: GatewayLimits = {
  frameBytes: awsLimits.frameBytes.value,
  messageBytes: awsLimits.messageBytes.value,
  headerBytes: awsLimits.headerBytes.value,
  idleMs: awsLimits.idleMs.value,
  lifetimeMs: awsLimits.lifetimeMs.value,
  integrationMs: awsLimits.integrationMs.value,
}
