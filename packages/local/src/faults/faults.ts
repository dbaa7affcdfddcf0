// One file over 200 lines: the public types of the fault API and the layer that applies them describe the same points.

import type { Connection } from '@trunkline/client'
import type { Backend } from '@trunkline/server/ports'
import type { LocalGateway } from '../emulators/apigateway/gateway.ts'
import type { GatewayHooks, HookResult } from '../emulators/apigateway/integration/hooks.ts'
import type { LocalClock } from '../emulators/clock.ts'
import { createIdleConnections, type Intercept } from '../emulators/idle-connections.ts'
import type { QueueHookResult } from '../emulators/lambda/event-sources/queue-mapping.ts'
import type { FunctionHooks, LocalFunctions } from '../emulators/lambda/functions.ts'
import type { FunctionHookResult, InvokeInfo } from '../emulators/lambda/invocations/lambda-function.ts'
import { createFramePaths, type FramePaths } from './frame-paths.ts'

/** A fault rule. It applies until it is disposed, or `times` times. */
export interface FaultRule extends Disposable {
  readonly hits: number
}
/**
 * Where a fault applies: `frame` a client's frame, `answer` the route's response to it, `push` a push, `connect` a
 * handshake, `stream` a record of the table's stream, `store` a request to the table, `function` a run of a function,
 * `later` a delayed invocation, `frozen` an idle keep-alive connection of a function.
 */
export type FaultPoint = 'frame' | 'answer' | 'push' | 'connect' | 'stream' | 'store' | 'function' | 'later' | 'frozen'
export type FaultEffect =
  | 'drop'
  | 'duplicate'
  | 'reorder'
  | 'gone'
  | 'throttle'
  | 'fail'
  | 'hang'
  | 'kill'
  | 'reset'
  | 'silent'
  | { readonly delayMs: number }

export interface FaultMatch {
  readonly times?: number
  /** Skips the first matches. @default 0 */
  readonly skip?: number
  /**
   * A procedure's path. At `store`: the operation's name. At `function`: the function's name, the route (`$disconnect`)
   * or the path of the frame that it runs. At `frozen`: `apigateway`, `dynamodb`, `lambda` or `sqs`. @default any
   */
  readonly path?: string
  readonly connection?: Connection
}

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
  clear(): void
}

/** The faults, with the hooks through which the emulators call them. */
export interface FaultLayer extends Faults {
  readonly gatewayHooks: GatewayHooks
  readonly functionHook: NonNullable<FunctionHooks['invoke']>
  readonly queueHook: NonNullable<FunctionHooks['queued']>
  /** The intercept of the server of one AWS service. */
  intercept(service: AwsService): Intercept
  attach(gateway: LocalGateway, functions: Pick<LocalFunctions, 'kill'>): void
  /** Wraps the backend so that faults at `store` apply to the functions' table. */
  bind(backend: Backend): Backend
  /** The number of times that any fault point was reached. */
  seen(): number
  /** Whether the next record of the stream is passed to its function. */
  passesRecord(): boolean
  /** Assigns the name in `?local-client=<name>` to a client's connection. */
  name(connection: Connection, name: string): void
}

/** The services to which functions keep connections alive. */
export type AwsService = 'apigateway' | 'dynamodb' | 'lambda' | 'sqs'

interface Rule {
  readonly point: FaultPoint
  readonly effect: FaultEffect
  readonly match: FaultMatch
  seen: number
  hits: number
}

/** The effects of each point. `reorder` lets the next message of its kind overtake. */
const effects: Readonly<Record<FaultPoint, readonly string[]>> = {
  frame: ['drop', 'duplicate', 'reorder', 'gone', 'throttle', 'fail', 'hang', 'delay'],
  answer: ['drop', 'duplicate', 'reorder', 'gone', 'throttle', 'fail', 'hang', 'delay'],
  push: ['drop', 'duplicate', 'reorder', 'gone', 'throttle', 'fail', 'hang', 'delay'],
  connect: ['drop', 'gone', 'throttle', 'fail', 'hang', 'delay'],
  stream: ['drop'],
  store: ['fail', 'hang', 'kill', 'delay'],
  function: ['duplicate', 'throttle', 'fail', 'hang', 'kill', 'delay'],
  later: ['drop', 'duplicate', 'fail', 'delay'],
  frozen: ['reset', 'silent'],
}

/** The query parameter that identifies a local line's own clients. */
export const clientParameter = 'local-client'
const reorderMs = 100
const silentAfterMs = 2_000 // after a shorter idle time, no client could know that a request was lost

export function createFaultLayer(clock: LocalClock): FaultLayer {
  const rules = new Set<Rule>()
  const names = new Map<Connection, string>()
  const clientOf = new Map<string, string>()
  const paths = createFramePaths()
  const idle = createIdleConnections(clock)
  let gateway: LocalGateway | undefined
  let killFunction: LocalFunctions['kill'] = () => {}
  let seen = 0

  function matchRule(
    point: FaultPoint,
    path: readonly (string | undefined)[],
    connectionId?: string,
    isPossible: (effect: FaultEffect) => boolean = () => true,
  ): FaultEffect | undefined {
    seen += 1
    for (const rule of rules) {
      if (rule.point !== point || !applies(rule.match, path, connectionId) || !isPossible(rule.effect)) continue
      rule.seen += 1
      if (rule.seen <= (rule.match.skip ?? 0) || rule.hits >= (rule.match.times ?? Number.POSITIVE_INFINITY)) continue
      rule.hits += 1
      return rule.effect
    }
    return undefined
  }
  function applies(
    match: FaultMatch,
    path: readonly (string | undefined)[],
    connectionId: string | undefined,
  ): boolean {
    if (match.path !== undefined && !path.includes(match.path)) return false
    if (match.connection === undefined) return true
    return connectionId !== undefined && clientOf.get(connectionId) === names.get(match.connection)
  }
  const toHook = (effect: FaultEffect | undefined): HookResult | undefined => {
    if (effect === 'reorder') return { delayMs: reorderMs }
    return effect === 'kill' || effect === 'reset' || effect === 'silent' ? undefined : effect
  }

  return {
    on(point, effect, match = {}) {
      if (!Object.hasOwn(effects, point))
        throw new TypeError(
          `Expected a fault point (${Object.keys(effects).join(', ')}), got ${JSON.stringify(point)}.`,
        )
      const name = typeof effect === 'string' ? effect : 'delay'
      if (!effects[point].includes(name))
        throw new TypeError(`Expected an effect of '${point}' (${effects[point].join(', ')}), got ${name}.`)
      const rule: Rule = { point, effect, match, seen: 0, hits: 0 }
      rules.add(rule)
      return {
        get hits() {
          return rule.hits
        },
        [Symbol.dispose]: () => void rules.delete(rule),
      }
    },
    cut(connection) {
      const name = connection && names.get(connection)
      for (const { connectionId } of gateway?.connections() ?? [])
        if (connection === undefined || (name !== undefined && clientOf.get(connectionId) === name))
          gateway?.cut(connectionId)
    },
    clear: () => rules.clear(),
    kill: (functionName) => killFunction(functionName),
    attach(attached, functions) {
      gateway = attached
      killFunction = functions.kill
    },
    name: (connection, name) => void names.set(connection, name),
    gatewayHooks: {
      connect({ connectionId, query }) {
        const client = query?.[clientParameter]
        if (client !== undefined) clientOf.set(connectionId, client)
        return toHook(matchRule('connect', [], connectionId))
      },
      ended: ({ connectionId }) => {
        clientOf.delete(connectionId)
        paths.forget(connectionId)
      },
      frame({ connectionId, text }) {
        return toHook(matchRule('frame', paths.ofFrame(connectionId, text), connectionId))
      },
      answer({ connectionId, frame }) {
        return toHook(matchRule('answer', paths.ofFrame(connectionId, frame), connectionId))
      },
      push({ connectionId, text }) {
        return toHook(matchRule('push', paths.ofPush(connectionId, text), connectionId))
      },
    },
    functionHook: (info) => toFunctionResult(matchRule('function', [info.name, ...pathsOfEvent(paths, info)])),
    queueHook: () => (matchRule('later', []) ?? 'pass') as QueueHookResult, // the table `effects` excludes the others
    intercept: (service) =>
      idle.intercept((idleMs) => {
        const isPossible = (effect: FaultEffect) => effect === 'reset' || idleMs > silentAfterMs
        return matchRule('frozen', [service], undefined, isPossible) as 'reset' | 'silent' | undefined // the table `effects` excludes the others
      }),
    seen: () => seen,
    passesRecord: () => matchRule('stream', []) === undefined,
    bind(backend) {
      return { ...backend, store: faultyPort(backend.store, (operation) => matchRule('store', [operation]), clock) }
    },
  }
}

function toFunctionResult(effect: FaultEffect | undefined): FunctionHookResult {
  switch (effect) {
    case undefined:
    case 'drop':
    case 'gone':
    case 'reorder':
    case 'reset':
    case 'silent':
      return 'pass'
    default:
      return effect
  }
}

/** The route and the paths of the frame that invoked a function. */
function pathsOfEvent(paths: FramePaths, { event }: InvokeInfo): readonly (string | undefined)[] {
  const { body, requestContext } = (event ?? {}) as GatewayEventLike
  const framed = typeof body === 'string' ? paths.ofFrame(requestContext?.connectionId ?? '', body) : []
  return [requestContext?.routeKey, ...framed]
}

interface GatewayEventLike {
  readonly body?: unknown
  readonly requestContext?: { readonly connectionId?: string; readonly routeKey?: string }
}

/** Wraps a store so that its operations fail before (`fail`) or after (`kill`) they ran, hang, or are delayed. */
function faultyPort<T extends object>(
  port: T,
  nextEffect: (operation: string) => FaultEffect | undefined,
  clock: LocalClock,
): T {
  return new Proxy(port, {
    get(target, key) {
      const method: unknown = Reflect.get(target, key)
      if (typeof method !== 'function' || typeof key !== 'string') return method
      return async (...given: readonly unknown[]) => {
        const effect = nextEffect(key)
        if (effect === 'hang') return new Promise(() => {})
        if (effect === 'fail') throw new Error(`A fault was injected before ${key}.`)
        if (typeof effect === 'object') await clock.sleep(effect.delayMs)
        const answer: unknown = await Reflect.apply(method, target, given)
        if (effect === 'kill') throw new Error(`A fault was injected after ${key}.`)
        return answer
      }
    },
  })
}
