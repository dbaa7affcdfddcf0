import type { IncomingMessage, ServerResponse } from 'node:http'
import { limits as awsLimits } from '@trunkline/protocol'
import type { LocalClock } from '../../clock.ts'
import type { GatewayHooks } from './hooks.ts'
import type { InvokeResult } from './invoke.ts'
import type { Route } from './routes.ts'
import type { Rate } from './throttle.ts'
import { type UndocumentedOptions, undocumentedDefaults } from './undocumented.ts'

/** The limits of the gateway, in bytes and milliseconds. */
export interface GatewayLimits {
  /** Of one frame from a client. */
  readonly frameBytes: number
  /** Of one message, either way. */
  readonly messageBytes: number
  /** Of a handshake: its request line, and the names and values of its headers. */
  readonly headerBytes: number
  readonly idleMs: number
  readonly lifetimeMs: number
  /** How long a function may take to answer. */
  readonly integrationMs: number
}

/** The rates beyond which the gateway says 429; none by default. */
export interface GatewayThrottles {
  readonly connects?: Rate
  readonly messages?: Rate
  readonly posts?: Rate
}

/** What a gateway is made of. */
export interface GatewayOptions {
  /** Idle and lifetime limits, the integration limit and the times in events go by it. */
  readonly clock: LocalClock
  /** Default: any that is free. */
  readonly port?: number
  /** Default `dev`. */
  readonly stage?: string
  readonly apiId?: string
  readonly region?: string
  readonly routes: readonly Route[]
  /** Runs once for each handshake, never cached. Sources: `route.request.header.X`, `route.request.querystring.Y`. */
  readonly authorizer?: { readonly functionName: string; readonly identitySource: readonly string[] }
  /** Runs a function. MUST settle; a rejection counts as an error. */
  readonly invoke: (functionName: string, event: unknown) => Promise<InvokeResult>
  /** Default `$request.body.method`. */
  readonly routeSelection?: string
  readonly limits?: Partial<GatewayLimits>
  readonly throttles?: GatewayThrottles
  readonly undocumented?: Partial<UndocumentedOptions>
  readonly hooks?: GatewayHooks
  /** Whether the callback API wants an `Authorization` header; the signature is not verified. Default true. */
  readonly signed?: boolean
  /** Answers requests to other paths; `true` says that it does. (`/ping` and `/sping` are the gateway's own on AWS.) */
  readonly http?: (request: IncomingMessage, response: ServerResponse) => boolean | undefined
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
