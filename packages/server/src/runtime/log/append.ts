import { randomName } from '../../ports/clock.ts'
import type { Slot } from '../../ports/log.ts'
import type { RuntimeContext } from '../context/scope.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { expiresFor, isAnchor } from './retention.ts'

/** What is to stand in a slot; offset and epoch are found by appending. */
export interface NewEvent {
  readonly topic: string
  readonly retentionMs: number
  /** JSON text; absent for a slot that only gives birth to an epoch. */
  readonly data?: string
  /** Names the schema that made `data`. */
  readonly schema?: string | undefined
  /** Epoch milliseconds, see `Slot.inline`. */
  readonly inline?: number
  /** @default a random name */
  readonly publishId?: string
}

const attempts = 200 // losing 200 races in a row means that something else is wrong

/**
 * Appends by slot puts [LAW-SLOT-PUT]: slot h+1 is put only after evidence that slot h stands, and only where none stands, so a log has no hole and no number twice.
 * With no anchor, the same put gives birth to a new epoch [LAW-LOGICAL-EXPIRY]. A conflict with one's own publish id is a success.
 */
export async function append(scope: RuntimeContext, event: NewEvent): Promise<Slot> {
  const publishId = event.publishId ?? randomName(scope.clock, 20)
  let newest = await readNewest(scope, event.topic)
  for (let attempt = 0; attempt < attempts; attempt++) {
    const slot = toSlot(scope, event, publishId, newest)
    const outcome = await scope.store.putSlot(event.topic, slot) // [TL-ROW-2]
    if (outcome.status === 'put') return slot
    if (outcome.slot.publishId === publishId) return outcome.slot
    // The failed condition is the evidence that this slot stands; far behind, one query jumps to the head.
    newest = attempt % 8 === 7 ? await readNewest(scope, event.topic) : outcome.slot
  }
  throw new TrunklineError('RATE_LIMITED', `The topic takes no more events at the moment (${attempts} conflicts).`)
}

/** The newest slot that stands, read strongly. */
export async function readNewest(scope: RuntimeContext, topic: string): Promise<Slot | undefined> {
  const { slots } = await scope.store.readSlotsBefore(topic, undefined, 1)
  return slots[0]
}

/** The slot to put after `newest`: of its epoch while that is an anchor, else the birth of another. */
export function toSlot(
  scope: RuntimeContext,
  event: NewEvent,
  publishId: string,
  newest: Slot | undefined,
  offset = (newest?.offset ?? 0) + 1,
): Slot {
  const time = scope.clock.now()
  const continues = newest !== undefined && isAnchor(newest, time)
  return {
    offset,
    epoch: continues ? newest.epoch : randomName(scope.clock, 12), // [TL-ROW-3]
    publishId,
    time,
    expires: expiresFor(time, event.retentionMs),
    ...(event.data === undefined ? {} : { data: event.data }),
    ...(event.schema === undefined ? {} : { schema: event.schema }),
    ...(event.inline === undefined ? {} : { inline: event.inline }),
  }
}
