import { type IntegrationResult, waitForIntegration } from '../integration/invoke.ts'
import type { GatewaySettings } from '../integration/options.ts'
import { createRouteSelector, type RouteSelector } from '../integration/routes.ts'
import { createThrottle, type Throttle } from '../integration/throttle.ts'
import type { OpenConnection } from './connection.ts'
import { createIds, type IdSource } from './ids.ts'
import { createInFlight, type InFlight } from './in-flight.ts'

/** The state that the modules of one gateway share. */
export interface GatewayContext extends GatewaySettings {
  readonly ids: IdSource
  readonly inFlight: InFlight
  /** The open connections, including lost ones that the gateway has not detected yet. */
  readonly connections: Map<string, OpenConnection>
  readonly selectRoute: RouteSelector
  readonly mayConnect: Throttle
  readonly mayMessage: Throttle
  readonly mayPost: Throttle
  /** False after the gateway was closed. It then starts no more work. */
  readonly isServing: () => boolean
  /** Runs a function within the integration time limit. Never rejects. */
  readonly integrate: (functionName: string, event: unknown) => Promise<IntegrationResult>
}

/** Creates the shared state of one gateway. */
export function createGatewayContext(settings: GatewaySettings, isServing: () => boolean): GatewayContext {
  const { clock, throttles, limits } = settings
  return {
    ...settings,
    isServing,
    ids: createIds(clock),
    inFlight: createInFlight(),
    connections: new Map(),
    selectRoute: createRouteSelector(settings.routes, settings.routeSelection, settings.undocumented.reservedKey),
    mayConnect: createThrottle(clock, throttles.connects),
    mayMessage: createThrottle(clock, throttles.messages),
    mayPost: createThrottle(clock, throttles.posts),
    integrate(functionName, event) {
      // async, so that a synchronous throw becomes a rejection
      const invoke = async () => settings.invoke(functionName, event)
      return waitForIntegration(clock, invoke(), limits.integrationMs)
    },
  }
}

/**
 * The function of a route that only the gateway invokes: `$connect` or `$disconnect`. Undefined when the API has no
 * such route.
 */
export function findFunction(gateway: GatewayContext, key: string): string | undefined {
  const route = gateway.routes.find((one) => one.key === key)
  return route && 'functionName' in route ? route.functionName : undefined
}
