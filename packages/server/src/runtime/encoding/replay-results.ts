import { limits } from '@trunkline/protocol'
import { applyPipe, type PipeStep } from '../../define/subscription.ts'
import type { Slot } from '../../ports/log.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'
import type { Server } from '../context/served-application.ts'
import { cursorOf } from '../log/retention.ts'
import { eventOf } from '../log/stored-event.ts'
import { advanceResult, eventResult, faultResult } from './result-frames.ts'

/** The result of evaluating one slot for one subscription. */
export type Evaluated =
  | { readonly status: 'match'; readonly event: unknown }
  | { readonly status: 'no-match' }
  | { readonly status: 'failed'; readonly thrown: unknown }

/**
 * Runs a slot's event through the pipe. A slot without data matches no subscription. Data that is not JSON, an event
 * that cannot be parsed and a pipe that throws are `failed`, never a non-match [LAW-COVERAGE].
 */
export function evaluate(scope: RuntimeContext, topic: string, pipe: readonly PipeStep[], slot: Slot): Evaluated {
  if (slot.data === undefined) return { status: 'no-match' }
  return evaluateEvent(pipe, () => eventOf(scope, topic, slot))
}

/** The same for the event that `read` returns. */
export function evaluateEvent(pipe: readonly PipeStep[], read: () => unknown): Evaluated {
  try {
    const result = applyPipe(pipe, read())
    return result === undefined ? { status: 'no-match' } : { status: 'match', event: result.event }
  } catch (thrown) {
    return { status: 'failed', thrown }
  }
}

/** The topic, steps and procedure of a subscription. */
interface Evaluation {
  readonly topic: string
  readonly pipe: readonly PipeStep[]
  readonly path: string
}

/**
 * The results, as JSON text, that move a position from `from` over `slots`. Each result says what it covers, and the
 * last one ends at the last slot that is included. Stops before `maxBytes`.
 */
export function chainOf(
  scope: RuntimeContext & { readonly server: Server },
  { topic, pipe, path }: Evaluation,
  from: number,
  slots: readonly Slot[],
  maxBytes: number = limits.pageBytes.value,
): string[] {
  const results: string[] = []
  let bytes = 0
  let position = from
  let last: Slot | undefined
  for (const slot of slots) {
    const result = resultOf(scope, { topic, pipe, path }, slot, position)
    if (result !== undefined) {
      const size = Buffer.byteLength(result)
      if (bytes > 0 && bytes + size > maxBytes) break
      bytes += size
      results.push(result)
      position = slot.offset
    }
    last = slot
  }
  if (last !== undefined && last.offset > position) results.push(advanceResult(cursorOf(scope, last), position))
  return results
}

function resultOf(
  scope: RuntimeContext & { readonly server: Server },
  { topic, pipe, path }: Evaluation,
  slot: Slot,
  prev: number,
): string | undefined {
  const cursor = cursorOf(scope, slot)
  const evaluated = evaluate(scope, topic, pipe, slot)
  if (evaluated.status === 'no-match') return undefined
  if (evaluated.status === 'failed') return faultResult(scope.server, cursor, path, evaluated.thrown, prev)
  return eventResult(scope.server, cursor, path, evaluated.event, prev)
}
