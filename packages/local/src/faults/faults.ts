import type { Connection } from '@trunkline/client'
import type { Backend } from '@trunkline/server/ports'
import type { LocalGateway } from '../emulators/apigateway/gateway.ts'
import type { GatewayHooks } from '../emulators/apigateway/integration/hooks.ts'
import type { LocalClock } from '../emulators/clock.ts'
import { createIdleConnections, type Intercept } from '../emulators/idle-connections.ts'
import type { FunctionHooks, LocalFunctions } from '../emulators/lambda/functions.ts'
import type { InvokeInfo } from '../emulators/lambda/invocations/lambda-function.ts'
import {
  type FaultEffect,
  type FaultPoint,
  toFaultyStore,
  toFunctionResult,
  toHookResult,
  toQueueResult,
} from './fault-effects.ts'
import { type FaultMatch, type FaultRule, FaultRules } from './fault-rules.ts'
import { createFramePaths } from './frame-paths.ts'

/** Injects faults into a local line. */
export interface Faults {
  /**
   * Adds a fault rule: `faults.on('answer', 'drop', { times: 1, path: 'post' })`. Throws a `TypeError` for an unknown
   * point, or for an effect that the point does not support.
   */
  on(point: FaultPoint, effect: FaultEffect, match?: FaultMatch): FaultRule
  /** Cuts the socket now, as a lost network does. @default the sockets of all connections */
  cut(connection?: Connection): void
  /**
   * Ends the running invocations of a function now, as a lost machine does. Lambda's retries apply to asynchronous
   * invocations. Use it for long runs: the effect `kill` at the point `function` lets a run finish first.
   */
  kill(functionName: string): void
  /** Removes all fault rules. */
  clear(): void
}

/** The services to which functions keep connections alive. */
type AwsService = 'apigateway' | 'dynamodb' | 'lambda' | 'sqs'

/** The query parameter that identifies a local line's own clients. */
export const clientParameter = 'local-client'
const silentAfterMs = 2_000 // after a shorter idle time, no client could know that a request was lost

/** The faults of one line, with the hooks through which the emulators call them. */
export class FaultLayer implements Faults {
  readonly gatewayHooks: GatewayHooks
  readonly #clock: LocalClock
  readonly #rules = new FaultRules((connectionId, connection) => this.#isOf(connectionId, connection))
  readonly #names = new Map<Connection, string>()
  readonly #clientOf = new Map<string, string>()
  readonly #paths = createFramePaths()
  readonly #idle: ReturnType<typeof createIdleConnections>
  #gateway: LocalGateway | undefined
  #killFunction: LocalFunctions['kill'] = () => {}

  constructor(clock: LocalClock) {
    this.#clock = clock
    this.#idle = createIdleConnections(clock)
    this.gatewayHooks = this.#createGatewayHooks()
  }

  on(point: FaultPoint, effect: FaultEffect, match: FaultMatch = {}): FaultRule {
    return this.#rules.add(point, effect, match)
  }

  cut(connection?: Connection): void {
    for (const { connectionId } of this.#gateway?.connections() ?? [])
      if (connection === undefined || this.#isOf(connectionId, connection)) this.#gateway?.cut(connectionId)
  }

  kill(functionName: string): void {
    this.#killFunction(functionName)
  }

  clear(): void {
    this.#rules.clear()
  }

  /** The emulators that `cut` and `kill` act on. */
  attach(gateway: LocalGateway, functions: Pick<LocalFunctions, 'kill'>): void {
    this.#gateway = gateway
    this.#killFunction = functions.kill
  }

  /** Assigns the name in `?local-client=<name>` to a client's connection. */
  name(connection: Connection, name: string): void {
    this.#names.set(connection, name)
  }

  /** The intercept of the server of one AWS service. */
  intercept(service: AwsService): Intercept {
    return this.#idle.intercept((idleMs) => {
      const isPossible = (effect: FaultEffect) => effect === 'reset' || idleMs > silentAfterMs
      const effect = this.#rules.match('frozen', { paths: [service], isPossible })
      return effect === 'reset' || effect === 'silent' ? effect : undefined
    })
  }

  /** Wraps the backend so that faults at `store` apply to the functions' table. */
  bind(backend: Backend): Backend {
    const nextEffect = (operation: string) => this.#rules.match('store', { paths: [operation] })
    return { ...backend, store: toFaultyStore(backend.store, nextEffect, this.#clock) }
  }

  readonly functionHook: NonNullable<FunctionHooks['invoke']> = (info) =>
    toFunctionResult(this.#rules.match('function', { paths: [info.name, ...this.#pathsOfEvent(info)] }))

  readonly queueHook: NonNullable<FunctionHooks['queued']> = () => toQueueResult(this.#rules.match('delayed'))

  /** Whether the next record of the stream is passed to its function. */
  passesRecord(): boolean {
    return this.#rules.match('stream') === undefined
  }

  /** The number of times that any fault point was reached. */
  seen(): number {
    return this.#rules.reached
  }

  #createGatewayHooks(): GatewayHooks {
    const [rules, paths] = [this.#rules, this.#paths]
    return {
      connect: ({ connectionId, query }) => {
        const client = query?.[clientParameter]
        if (client !== undefined) this.#clientOf.set(connectionId, client)
        return toHookResult(rules.match('connect', { connectionId }))
      },
      ended: ({ connectionId }) => {
        this.#clientOf.delete(connectionId)
        paths.remove(connectionId)
      },
      frame: ({ connectionId, text }) =>
        toHookResult(rules.match('frame', { paths: paths.ofFrame(connectionId, text), connectionId })),
      // The getters parse a message only if a rule asks for its paths.
      answer: ({ connectionId, frame }) =>
        toHookResult(
          rules.match('answer', {
            connectionId,
            get paths() {
              return paths.ofFrame(connectionId, frame)
            },
          }),
        ),
      push: ({ connectionId, text }) =>
        toHookResult(
          rules.match('push', {
            connectionId,
            get paths() {
              return paths.ofPush(connectionId, text)
            },
          }),
        ),
    }
  }

  #isOf(connectionId: string, connection: Connection): boolean {
    const name = this.#names.get(connection)
    return name !== undefined && this.#clientOf.get(connectionId) === name
  }

  /** The route and the paths of the frame that invoked a function. */
  #pathsOfEvent({ event }: InvokeInfo): readonly (string | undefined)[] {
    const { body, requestContext } = (event ?? {}) as GatewayEventLike
    const framed = typeof body === 'string' ? this.#paths.ofFrame(requestContext?.connectionId ?? '', body) : []
    return [requestContext?.routeKey, ...framed]
  }
}

interface GatewayEventLike {
  readonly body?: unknown
  readonly requestContext?: { readonly connectionId?: string; readonly routeKey?: string }
}
