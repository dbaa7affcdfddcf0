import type { HookResult } from '../emulators/apigateway/integration/hooks.ts'
import type { LocalClock } from '../emulators/clock.ts'
import type { QueueHookResult } from '../emulators/lambda/event-sources/queue-mapping.ts'
import type { FunctionHookResult } from '../emulators/lambda/invocations/lambda-function.ts'

/**
 * Where a fault applies: `frame` a client's frame, `answer` the route's response to it, `push` a push, `connect` a
 * handshake, `stream` a record of the table's stream, `store` a request to the table, `function` a run of a function,
 * `delayed` a delayed invocation, `frozen` an idle keep-alive connection of a function.
 */
export type FaultPoint =
  | 'frame'
  | 'answer'
  | 'push'
  | 'connect'
  | 'stream'
  | 'store'
  | 'function'
  | 'delayed'
  | 'frozen'
/** What a fault does to a message or call. Each point supports some: see the README of this package. */
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

/** The effects of each point. `reorder` lets the next message of its kind overtake. */
export const effects: Readonly<Record<FaultPoint, readonly string[]>> = {
  frame: ['drop', 'duplicate', 'reorder', 'gone', 'throttle', 'fail', 'hang', 'delay'],
  answer: ['drop', 'duplicate', 'reorder', 'gone', 'throttle', 'fail', 'hang', 'delay'],
  push: ['drop', 'duplicate', 'reorder', 'gone', 'throttle', 'fail', 'hang', 'delay'],
  connect: ['drop', 'gone', 'throttle', 'fail', 'hang', 'delay'],
  stream: ['drop'],
  store: ['fail', 'hang', 'kill', 'delay'],
  function: ['duplicate', 'throttle', 'fail', 'hang', 'kill', 'delay'],
  delayed: ['drop', 'duplicate', 'fail', 'delay'],
  frozen: ['reset', 'silent'],
}

const reorderMs = 100

/** Throws a `TypeError` for an unknown point, or for an effect that the point does not support. */
export function checkEffect(point: FaultPoint, effect: FaultEffect): void {
  if (!Object.hasOwn(effects, point))
    throw new TypeError(`Expected a fault point (${Object.keys(effects).join(', ')}), got ${JSON.stringify(point)}.`)
  const name = typeof effect === 'string' ? effect : 'delay'
  if (!effects[point].includes(name))
    throw new TypeError(`Expected an effect of '${point}' (${effects[point].join(', ')}), got ${name}.`)
}

/** An effect as the gateway's hooks return it. Undefined for an effect that its points do not support. */
export function toHookResult(effect: FaultEffect | undefined): HookResult | undefined {
  if (effect === 'reorder') return { delayMs: reorderMs }
  return effect === 'kill' || effect === 'reset' || effect === 'silent' ? undefined : effect
}

/** An effect as the hook of functions returns it. */
export function toFunctionResult(effect: FaultEffect | undefined): FunctionHookResult {
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

/** An effect as the hook of queues returns it. */
export function toQueueResult(effect: FaultEffect | undefined): QueueHookResult {
  if (typeof effect === 'object' || effect === 'drop' || effect === 'duplicate' || effect === 'fail') return effect
  return 'pass'
}

/** Wraps a store so that its operations fail before (`fail`) or after (`kill`) they ran, hang, or are delayed. */
export function toFaultyStore<T extends object>(
  store: T,
  nextEffect: (operation: string) => FaultEffect | undefined,
  clock: LocalClock,
): T {
  return new Proxy(store, {
    get(target, key) {
      const method: unknown = Reflect.get(target, key)
      if (typeof method !== 'function' || typeof key !== 'string') return method
      return async (...args: readonly unknown[]) => {
        const effect = nextEffect(key)
        if (effect === 'hang') return new Promise(() => {})
        if (effect === 'fail') throw new Error(`A fault was injected before ${key}.`)
        if (typeof effect === 'object') await clock.sleep(effect.delayMs)
        const result: unknown = await Reflect.apply(method, target, args)
        if (effect === 'kill') throw new Error(`A fault was injected after ${key}.`)
        return result
      }
    },
  })
}
