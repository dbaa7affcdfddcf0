import { defined } from '@trunkline/protocol'
import { randomName } from '../../ports/clock.ts'
import type { Slot } from '../../ports/log.ts'
import { type Appended, type DeliverSlots, growTail, type Tail } from '../context/append-queues.ts'
import { backOff } from '../context/back-off.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { expiresFor, isAnchor } from './retention.ts'

/** The values of a new slot. The append determines its offset and epoch. */
export interface NewEvent {
  readonly retentionMs: number
  /** JSON text; absent for a slot that only starts an epoch. */
  readonly data?: string
  /** The fingerprint of the schema that made `data`. */
  readonly schema?: string | undefined
  /** Epoch milliseconds, see `Slot.inline`. */
  readonly inline?: number
}

/** What to append, and how this function delivers it. */
export interface AppendRequest {
  readonly topic: string
  /** Called for each attempt to put, with the slot before. */
  readonly toEvent: (last: Slot | undefined) => NewEvent
  /** Absent when the table's stream delivers. */
  readonly deliver?: DeliverSlots | undefined
}

/** An appended slot. `delivered` resolves when the function has delivered it, if it does. */
export interface AppendedSlot {
  readonly slot: Slot
  readonly delivered: Promise<void>
}

/** More lost races in a row indicate another problem. Their pauses take about 25 s. */
export const maxRaces = 32
const retryAfterMs = 2_000

/**
 * Appends an event by a slot put [LAW-SLOT-PUT]: slot h+1 is put only after evidence that slot h exists, and only if it
 * does not exist yet. So a log has no holes and no duplicate offsets. Without an anchor the same put starts a new epoch
 * [LAW-LOGICAL-EXPIRY]. A conflict with a slot of the same publish id is a success. Appends of one invocation to one
 * topic do not race each other; one that loses to another function backs off [LAW-BACK-OFF]. Throws RATE_LIMITED after
 * too many conflicts.
 */
export async function append(context: RuntimeContext, request: AppendRequest): Promise<AppendedSlot> {
  const publishId = randomName(context.clock, 20)
  return context.appends.run(
    request.topic,
    (tail) => putNext(context, { ...request, publishId }, tail),
    context.deadline,
  )
}

async function putNext(
  context: RuntimeContext,
  { topic, publishId, toEvent, deliver }: AppendRequest & { readonly publishId: string },
  known: Tail | undefined,
): Promise<Appended> {
  let tail = known ?? (await readTail(context, topic))
  for (let lost = 0; lost < maxRaces; ) {
    const outcome = await putAfter(context, { topic, publishId, toEvent }, tail)
    if (outcome.isOwn) return { ...outcome, deliver }
    lost += 1
    // The failed condition proves that the slot exists. After a pause there may be more.
    tail = (await backOff(context, lost)) ? await readTail(context, topic) : outcome.tail
  }
  throw tooManyRaces()
}

/** Puts the event in the slot after `tail`, or after `base` if the tail is empty. `isOwn`: the slot has this id. */
export async function putAfter(
  context: RuntimeContext,
  { topic, publishId, toEvent, base = 0 }: AppendRequest & { readonly publishId: string; readonly base?: number },
  tail: Tail,
): Promise<Pick<Appended, 'slot' | 'put'> & { readonly isOwn: boolean; readonly tail: Tail }> {
  const newest = tail.at(-1)
  const slot = toSlot(context, { ...toEvent(newest), publishId }, { newest, offset: (newest?.offset ?? base) + 1 })
  const outcome = await context.store.putSlot(topic, slot) // [TL-ROW-2]
  const put = outcome.status === 'put'
  const existing = outcome.status === 'put' ? slot : outcome.slot
  return { slot: existing, put, isOwn: put || existing.publishId === publishId, tail: growTail(tail, existing) }
}

/** The error of a writer whose puts all lost. */
export function tooManyRaces(): TrunklineError {
  return new TrunklineError('RATE_LIMITED', `The topic takes no more events at the moment (${maxRaces} conflicts).`, {
    retryAfterMs,
  })
}

/** The newest slot; undefined for an empty log. Strongly consistent. */
export async function readNewest(context: RuntimeContext, topic: string): Promise<Slot | undefined> {
  return (await readTail(context, topic)).at(-1)
}

async function readTail({ store }: RuntimeContext, topic: string): Promise<Tail> {
  const { slots } = await store.readSlotsBefore(topic, undefined, 1)
  return slots
}

/** The slot to put after `newest`: of the same epoch if `newest` is an anchor, else of a new epoch. */
function toSlot(
  context: RuntimeContext,
  { retentionMs, publishId, data, schema, inline }: NewEvent & { readonly publishId: string },
  { newest, offset }: { readonly newest: Slot | undefined; readonly offset: number },
): Slot {
  const time = context.clock.now()
  const continues = newest !== undefined && isAnchor(newest, time)
  return {
    offset,
    epoch: continues ? newest.epoch : randomName(context.clock, 12), // [TL-ROW-3]
    publishId,
    time,
    expires: expiresFor(time, retentionMs),
    ...defined({ data, schema, inline }),
  }
}
