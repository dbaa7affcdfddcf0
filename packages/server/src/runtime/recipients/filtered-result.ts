import type { PipeStep } from '../../define/subscription.ts'
import type { Slot } from '../../ports/log.ts'
import type { PipedContext, Subscriber } from '../../ports/subscribers.ts'
import { type ConnectionParams, toFacts } from '../context/caller.ts'
import { reportingRow } from '../context/failure-source.ts'
import { keepParams, readKeptParams } from '../context/kept-params.ts'
import { type InvocationContext, within } from '../context/runtime-context.ts'
import { toTRPCError } from '../context/to-trpc-error.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import type { Result } from '../encoding/encode.ts'
import {
  advanceResult,
  ephemeralResult,
  evaluate,
  evaluateEvent,
  faultResult,
  resultOf,
} from '../encoding/result-frames.ts'
import { cursorOf } from '../log/retention.ts'
import { parseEvents } from '../log/stored-event.ts'
import { describePipe } from '../procedures/read-pipe-steps.ts'
import type { Delivery } from './delivery.ts'
import { endSubscriber } from './end-subscriber.ts'

/**
 * Slots are evaluated in blocks of this size, so that a filtered frame can say what it covers without stored state
 * [LAW-COVERAGE].
 */
const blockSlots = 32
const maxAttempts = 2
/** How long one subscriber's procedure may take, so that one that hangs does not delay the others [LAW-DEADLINE]. */
const procedureMs = 3_000

/**
 * The result for one subscriber with filter or map, or undefined when it gets none. Throws when the result could
 * not be computed: the delivery has failed.
 */
export type Pipeline = (row: Subscriber, piped: PipedContext) => Promise<Result | undefined>

/**
 * Computes the results of one event. Runs each subscriber's procedure again with the context stored at its subscribe;
 * reads the block of the log once for all.
 */
export function createPipeline(shared: InvocationContext, delivery: Delivery): Pipeline {
  let earlier: Promise<readonly Slot[]> | undefined
  return async (row, piped) => {
    const context = reportingRow(shared, row)
    for (let attempt = 1; ; attempt++) {
      try {
        const facts = await factsOf(context, row, piped)
        const pipe = await within(context, procedureMs, (narrowed) => describePipe(narrowed, row, facts))
        if (delivery.slot === undefined) return ephemeralResultOf(context, pipe, delivery.data)
        earlier ??= readEarlier(context, delivery.topic, delivery.slot)
        return coveringResult(context, { ...delivery, pipe, path: row.path }, await earlier)
      } catch (thrown) {
        if (await endsSubscription(context, row, thrown)) return undefined
        earlier = undefined
        const { line } = toTRPCError(thrown) as Partial<TrunklineError>
        if (line === 'TIMEOUT') throw thrown
        if (attempt < maxAttempts) continue
        if (line === 'FUNCTION_FAILED') throw thrown // the table failed and not the filter, so a retry may succeed
        return delivery.slot && faultOf(context, row, { slot: delivery.slot, thrown })
      }
    }
  }
}

/**
 * The steps of one subscriber's procedure, which is run again. Undefined when its middlewares refused, which has ended
 * the subscription. Throws what the procedure throws in two attempts.
 */
export async function pipeOf(
  context: InvocationContext,
  row: Subscriber,
  piped: PipedContext,
): Promise<readonly PipeStep[] | undefined> {
  for (let attempt = 1; ; attempt++) {
    try {
      const facts = await factsOf(context, row, piped)
      return await within(context, procedureMs, (narrowed) => describePipe(narrowed, row, facts))
    } catch (thrown) {
      if (await endsSubscription(context, row, thrown)) return undefined
      if (attempt === maxAttempts || (toTRPCError(thrown) as Partial<TrunklineError>).line === 'TIMEOUT') throw thrown
    }
  }
}

/** Never treated as a non-match: the position moves, and the client gets a fault. */
function faultOf(
  context: InvocationContext,
  { path }: Subscriber,
  { slot, thrown }: { readonly slot: Slot; readonly thrown: unknown },
): Result {
  return faultResult(context.server, { cursor: cursorOf(context, slot), path }, thrown)
}

/** Rows of the version before hold the parameters. */
async function factsOf(context: InvocationContext, row: Subscriber, piped: PipedContext) {
  const { hasParams, connectionParams: stored } = piped
  const read = async () => (hasParams === true ? readKeptParams(context, row.connectionId) : null)
  const connectionParams =
    stored === undefined ? await read() : keepParams(context.server, JSON.parse(stored) as ConnectionParams)
  return toFacts({ ...piped, connectionId: row.connectionId }, 'delivery', { connectionParams })
}

function blockStart(slot: Slot): number {
  return blockSlots * Math.floor((slot.offset - 1) / blockSlots)
}

/**
 * The slots of a slot's block before it. All pages are read, since 32 events may exceed one request, and a match that
 * was not read would be claimed as a non-match.
 */
async function readEarlier(context: InvocationContext, topic: string, slot: Slot): Promise<readonly Slot[]> {
  const slots: Slot[] = []
  for (let after = blockStart(slot); after < slot.offset - 1; ) {
    const page = await context.store.readSlots(topic, after, slot.offset - 1 - after)
    slots.push(...page.slots)
    const last = page.slots.at(-1)
    if (!page.more || last === undefined) break
    after = last.offset
  }
  await parseEvents(context, topic, slots)
  return slots
}

/** One slot for one subscriber with filter or map. */
interface FilteredSlot {
  readonly topic: string
  readonly slot: Slot
  readonly pipe: readonly PipeStep[]
  readonly path: string
}

/**
 * [TL-SUB-5] `prev` is the last matching slot of the block, or the start of the slots that were read. A block that ends
 * without a match sends an advance.
 */
export function coveringResult(
  context: InvocationContext,
  of: FilteredSlot,
  earlier: readonly Slot[],
): Result | undefined {
  const { path, slot } = of
  const evaluated = evaluate(context, of, slot)
  const endsBlock = slot.offset % blockSlots === 0
  if (evaluated.status === 'no-match' && !endsBlock) return undefined
  const prev = lastMatch(context, of, earlier)
  const cursor = cursorOf(context, slot)
  return resultOf(context.server, { cursor, path, prev }, evaluated) ?? advanceResult(cursor, prev)
}

/**
 * The last matching slot before this one, or the offset back to which the log is dense and of one epoch: nothing is
 * claimed about slots that were not read.
 */
function lastMatch(context: InvocationContext, { topic, pipe, slot }: FilteredSlot, earlier: readonly Slot[]): number {
  let position = slot.offset - 1
  for (const each of [...earlier].reverse()) {
    if (each.offset > position) continue // a later slot, which a page may include
    if (each.offset !== position || each.epoch !== slot.epoch) return position
    if (evaluate(context, { topic, pipe }, each).status !== 'no-match') return position
    position -= 1
  }
  return position
}

function ephemeralResultOf(context: InvocationContext, pipe: readonly PipeStep[], data: string): Result | undefined {
  const evaluated = evaluateEvent(pipe, () => JSON.parse(data))
  return evaluated.status === 'match' ? ephemeralResult(context.server, evaluated.event) : undefined
}

/**
 * Ends the subscription if its middlewares, which check authority again, refused, or if the procedure returned another
 * topic.
 */
async function endsSubscription(context: InvocationContext, row: Subscriber, thrown: unknown): Promise<boolean> {
  const error = toTRPCError(thrown)
  const changed = error instanceof TrunklineError && error.line === 'TOPIC_CHANGED'
  if (!changed && error.code !== 'UNAUTHORIZED' && error.code !== 'FORBIDDEN') return false
  await endSubscriber(context, row, error)
  return true
}
