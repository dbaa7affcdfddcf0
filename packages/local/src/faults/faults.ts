import type { Connection } from '@trunkline/client'
import type { Backend } from '@trunkline/server'
import type { LocalGateway } from '../emulators/apigateway/gateway.ts'
import type { GatewayHooks, HookResult } from '../emulators/apigateway/integration/hooks.ts'
import type { LocalClock } from '../emulators/clock.ts'
import { createIdleConnections, type Intercept } from '../emulators/idle-connections.ts'
import type { QueueHookResult } from '../emulators/lambda/event-sources/queue-mapping.ts'
import type { FunctionHooks, LocalFunctions } from '../emulators/lambda/functions.ts'
import type { FunctionHookResult, InvokeInfo } from '../emulators/lambda/invocations/lambda-function.ts'
import { createFramePaths, type FramePaths } from './frame-paths.ts'

/** Each rule applies until disposed, or `times` times. */
export interface FaultRule extends Disposable {
  readonly hits: number
}
/** Where a fault strikes: a client's frame, its answer by the route, a push, a handshake, a record of the table's stream, a request to the table, a run of a function, a delayed invocation, a connection that a function left idle. */
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
  /** Passes over the first ones. */
  readonly skip?: number
  /** A procedure's path; at `store`, the operation's name; at `function`, the function's name, the route (`$disconnect`) or the path of the frame it runs; at `frozen`, `apigateway`, `dynamodb`, `lambda` or `sqs`. */
  readonly path?: string
  readonly connection?: Connection
}

/** A test's hand in the machinery. */
export interface Faults {
  /** `faults.on('answer', 'drop', { times: 1, path: 'post' })`. Throws a `TypeError` for an effect that the point does not have. */
  on(point: FaultPoint, effect: FaultEffect, match?: FaultMatch): FaultRule
  /** Cuts the socket now, as a lost network does. @default all */
  cut(connection?: Connection): void
  /** Ends what runs of a function now, as a lost machine does; an asynchronous invocation is tried again as Lambda would. For runs that last: `kill` at the point `function` lets a run come to its end first. */
  kill(functionName: string): void
  clear(): void
}

/** The faults with the places they are plugged into. */
export interface FaultLayer extends Faults {
  readonly gatewayHooks: GatewayHooks
  readonly functionHook: NonNullable<FunctionHooks['invoke']>
  readonly queueHook: NonNullable<FunctionHooks['later']>
  /** Of the server of one AWS service. */
  intercept(service: AwsService): Intercept
  attach(gateway: LocalGateway, functions: Pick<LocalFunctions, 'kill'>): void
  /** Lets faults at `store` reach the functions' table. */
  bind(backend: Backend): Backend
  /** How many things have passed by the places of faults so far. */
  seen(): number
  /** Whether the next record of the stream is handed over. */
  passesRecord(): boolean
  /** Names the client that connects with `?local-client=<name>`. */
  name(connection: Connection, name: string): void
}

/** The services that functions keep connections to. */
export type AwsService = 'apigateway' | 'dynamodb' | 'lambda' | 'sqs'

interface Rule {
  readonly point: FaultPoint
  readonly effect: FaultEffect
  readonly match: FaultMatch
  seen: number
  hits: number
}

/** What each point can do. `reorder` lets the next one of its kind overtake. */
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

/** The query parameter by which the gateway tells a local line's own clients apart. */
export const clientParameter = 'local-client'
const reorderMs = 100
const silentAfterMs = 2_000 // what was idle for less may be silent too, but then no client can know that a request was lost

export function createFaultLayer(clock: LocalClock): FaultLayer {
  const rules = new Set<Rule>()
  const names = new Map<Connection, string>()
  const clientOf = new Map<string, string>()
  const paths = createFramePaths()
  const idle = createIdleConnections(clock)
  let gateway: LocalGateway | undefined
  let killing: LocalFunctions['kill'] = () => {}
  let seen = 0

  function strike(
    point: FaultPoint,
    path: readonly (string | undefined)[],
    connectionId?: string,
    canStrike: (effect: FaultEffect) => boolean = () => true,
  ): FaultEffect | undefined {
    seen += 1
    for (const rule of rules) {
      if (rule.point !== point || !applies(rule.match, path, connectionId) || !canStrike(rule.effect)) continue
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
        throw new TypeError(`A fault strikes at ${Object.keys(effects).join(', ')}; got ${JSON.stringify(point)}.`)
      const name = typeof effect === 'string' ? effect : 'delay'
      if (!effects[point].includes(name))
        throw new TypeError(`A fault at '${point}' can be ${effects[point].join(', ')}; got ${name}.`)
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
    kill: (functionName) => killing(functionName),
    attach(attached, functions) {
      gateway = attached
      killing = functions.kill
    },
    name: (connection, name) => void names.set(connection, name),
    gatewayHooks: {
      connect({ connectionId, query }) {
        const client = query?.[clientParameter]
        if (client !== undefined) clientOf.set(connectionId, client)
        return toHook(strike('connect', [], connectionId))
      },
      ended: ({ connectionId }) => {
        clientOf.delete(connectionId)
        paths.forget(connectionId)
      },
      frame({ connectionId, text }) {
        return toHook(strike('frame', paths.ofFrame(connectionId, text), connectionId))
      },
      answer({ connectionId, frame }) {
        return toHook(strike('answer', paths.ofFrame(connectionId, frame), connectionId))
      },
      push({ connectionId, text }) {
        return toHook(strike('push', paths.ofPush(connectionId, text), connectionId))
      },
    },
    functionHook: (info) => toFunctionResult(strike('function', [info.name, ...framePaths(paths, info)])),
    queueHook: () => (strike('later', []) ?? 'pass') as QueueHookResult, // `effects` allows no other
    intercept: (service) =>
      idle.intercept((idleMs) => {
        const canStrike = (effect: FaultEffect) => effect === 'reset' || idleMs > silentAfterMs
        return strike('frozen', [service], undefined, canStrike) as 'reset' | 'silent' | undefined // `effects` allows no other
      }),
    seen: () => seen,
    passesRecord: () => strike('stream', []) === undefined,
    bind(backend) {
      return { ...backend, store: faultyPort(backend.store, (operation) => strike('store', [operation]), clock) }
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

/** The route and the paths of the frame that a function was invoked with. */
function framePaths(paths: FramePaths, { event }: InvokeInfo): readonly (string | undefined)[] {
  const { body, requestContext } = (event ?? {}) as GatewayEventLike
  const framed = typeof body === 'string' ? paths.ofFrame(requestContext?.connectionId ?? '', body) : []
  return [requestContext?.routeKey, ...framed]
}

interface GatewayEventLike {
  readonly body?: unknown
  readonly requestContext?: { readonly connectionId?: string; readonly routeKey?: string }
}

/** A store whose operations fail before (`fail`) or after (`kill`) they happened, hang, or take their time. */
function faultyPort<T extends object>(
  port: T,
  ask: (operation: string) => FaultEffect | undefined,
  clock: LocalClock,
): T {
  return new Proxy(port, {
    get(target, key) {
      const method: unknown = Reflect.get(target, key)
      if (typeof method !== 'function' || typeof key !== 'string') return method
      return async (...given: readonly unknown[]) => {
        const effect = ask(key)
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
