import type { PipeStep } from '../../define/subscription.ts'
import type { PipedContext, Subscriber } from '../../ports/subscribers.ts'
import type { Slot } from '../../ports/log.ts'
import { type ConnectionParams, toFacts } from '../context/caller.ts'
import { type InvocationContext, within } from '../context/scope.ts'
import { toTRPCError } from '../context/to-trpc-error.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { evaluate, evaluateEvent } from '../encoding/replay-results.ts'
import { advanceResult, ephemeralResult, eventResult, faultResult } from '../encoding/result-frames.ts'
import { cursorOf } from '../log/retention.ts'
import { parseEvents } from '../log/stored-event.ts'
import { describePipe } from '../procedures/read-pipe-steps.ts'
import type { Delivery } from './delivery.ts'
import { endSubscriber } from './end-subscriber.ts'

/** Slots are evaluated in blocks of this many, so that a filtered frame can say what it covers without state [LAW-COVERAGE]. */
const block = 32
const tries = 2
/** How long one subscriber's procedure may take: what hangs there must not hold up the others [LAW-DEADLINE]. */
const procedureMs = 3_000

/** The result text for one piped subscriber, or undefined when nothing is to be posted to it. Throws when it could not be found out in time: a failed delivery. */
export type Pipeline = (row: Subscriber, piped: PipedContext) => Promise<string | undefined>

/** Runs subscribers' procedures again for one event, with what the connection was at subscribe; the block of the log is read once for all. */
export function createPipeline(scope: InvocationContext, delivery: Delivery): Pipeline {
  let earlier: Promise<readonly Slot[]> | undefined
  return async (row, piped) => {
    for (let attempt = 1; ; attempt++) {
      try {
        const pipe = await within(scope, procedureMs, (sooner) => describePipe(sooner, row, factsOf(row, piped)))
        if (delivery.slot === undefined) return ephemeral(scope, pipe, delivery.data)
        earlier ??= readEarlier(scope, delivery.topic, delivery.slot)
        return covered(scope, { ...delivery, pipe, path: row.path }, await earlier)
      } catch (thrown) {
        if (await endsSubscription(scope, row, thrown)) return undefined
        earlier = undefined
        const { line } = toTRPCError(thrown) as Partial<TrunklineError>
        if (line === 'TIMEOUT') throw thrown
        if (attempt < tries) continue
        if (line === 'FUNCTION_FAILED') throw thrown // the table, not the filter: another try may find it well
        // never a non-match: the position moves and the client is told
        return delivery.slot && faultResult(scope.server, cursorOf(scope, delivery.slot), row.path, thrown)
      }
    }
  }
}

/** The steps of one subscriber's procedure, which is run again; undefined where what its middlewares refuse has ended the subscription. Throws what it throws twice. */
export async function pipeOf(
  scope: InvocationContext,
  row: Subscriber,
  piped: PipedContext,
): Promise<readonly PipeStep[] | undefined> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await within(scope, procedureMs, (sooner) => describePipe(sooner, row, factsOf(row, piped)))
    } catch (thrown) {
      if (await endsSubscription(scope, row, thrown)) return undefined
      if (attempt === tries || (toTRPCError(thrown) as Partial<TrunklineError>).line === 'TIMEOUT') throw thrown
    }
  }
}

function factsOf(row: Subscriber, piped: PipedContext) {
  const params = piped.connectionParams === undefined ? null : (JSON.parse(piped.connectionParams) as ConnectionParams)
  return toFacts({ ...piped, connectionId: row.connectionId }, 'delivery', params)
}

function blockStart(slot: Slot): number {
  return block * Math.floor((slot.offset - 1) / block)
}

/** The slots of a slot's block before it, all pages of them: 32 events may be more than one request returns, and a match left out would be claimed to be none. */
async function readEarlier(scope: InvocationContext, topic: string, slot: Slot): Promise<readonly Slot[]> {
  const slots: Slot[] = []
  for (let after = blockStart(slot); after < slot.offset - 1; ) {
    const page = await scope.store.readSlots(topic, after, slot.offset - 1 - after)
    slots.push(...page.slots)
    const last = page.slots.at(-1)
    if (!page.more || last === undefined) break
    after = last.offset
  }
  await parseEvents(scope, topic, slots)
  return slots
}

/** One slot on its way to one piped subscriber. */
interface Covered {
  readonly topic: string
  readonly slot: Slot
  readonly pipe: readonly PipeStep[]
  readonly path: string
}

/** [TL-SUB-5] `prev` is the last slot of the block that was for this subscription, or the start of what was read; a block that ends without a match sends an advance. */
function covered(scope: InvocationContext, of: Covered, earlier: readonly Slot[]): string | undefined {
  const { topic, pipe, path, slot } = of
  const evaluated = evaluate(scope, topic, pipe, slot)
  const ends = slot.offset % block === 0
  if (evaluated.status === 'no-match' && !ends) return undefined
  const prev = lastMatch(scope, of, earlier)
  const cursor = cursorOf(scope, slot)
  if (evaluated.status === 'match') return eventResult(scope.server, cursor, path, evaluated.event, prev)
  if (evaluated.status === 'failed') return faultResult(scope.server, cursor, path, evaluated.thrown, prev)
  return advanceResult(cursor, prev)
}

/** Walks back from a slot to the last one that was for this subscription, or as far as the log is dense and of one epoch: nothing is claimed of what was not seen. */
function lastMatch(scope: InvocationContext, { topic, pipe, slot }: Covered, earlier: readonly Slot[]): number {
  let position = slot.offset - 1
  for (const each of [...earlier].reverse()) {
    if (each.offset > position) continue // put behind our back
    if (each.offset !== position || each.epoch !== slot.epoch) return position
    if (evaluate(scope, topic, pipe, each).status !== 'no-match') return position
    position -= 1
  }
  return position
}

function ephemeral(scope: InvocationContext, pipe: readonly PipeStep[], data: string): string | undefined {
  const evaluated = evaluateEvent(pipe, () => JSON.parse(data))
  return evaluated.status === 'match' ? ephemeralResult(scope.server, evaluated.event) : undefined
}

/** The procedure's middlewares check authority again: what they now refuse, and another topic, end the subscription. */
async function endsSubscription(scope: InvocationContext, row: Subscriber, thrown: unknown): Promise<boolean> {
  const error = toTRPCError(thrown)
  const changed = error instanceof TrunklineError && error.line === 'TOPIC_CHANGED'
  if (!changed && error.code !== 'UNAUTHORIZED' && error.code !== 'FORBIDDEN') return false
  await endSubscriber(scope, row, error)
  return true
}
