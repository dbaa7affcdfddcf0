import { randomName } from '../../ports/clock.ts'
import type { Slot } from '../../ports/log.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { expiresFor, isAnchor } from './retention.ts'

/** The values of a new slot. The append determines its offset and epoch. */
export interface NewEvent {
  readonly topic: string
  readonly retentionMs: number
  /** JSON text; absent for a slot that only starts an epoch. */
  readonly data?: string
  /** The fingerprint of the schema that made `data`. */
  readonly schema?: string | undefined
  /** Epoch milliseconds, see `Slot.inline`. */
  readonly inline?: number
  /** @default a random name */
  readonly publishId?: string
}

/** More lost races in a row indicate another problem. */
const maxAttempts = 200

/**
 * Appends an event by a slot put [LAW-SLOT-PUT]: slot h+1 is put only after evidence that slot h exists, and only if it
 * does not exist yet. So a log has no holes and no duplicate offsets. Without an anchor the same put starts a new epoch
 * [LAW-LOGICAL-EXPIRY]. A conflict with a slot of the same publish id is a success. Throws RATE_LIMITED after too many
 * conflicts.
 */
export async function append(scope: RuntimeContext, event: NewEvent): Promise<Slot> {
  const publishId = event.publishId ?? randomName(scope.clock, 20)
  let newest = await readNewest(scope, event.topic)
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const slot = toSlot(scope, event, publishId, newest)
    const outcome = await scope.store.putSlot(event.topic, slot) // [TL-ROW-2]
    if (outcome.status === 'put') return slot
    if (outcome.slot.publishId === publishId) return outcome.slot
    // The failed condition proves that this slot exists. After several lost races, one query reads the head.
    newest = attempt % 8 === 7 ? await readNewest(scope, event.topic) : outcome.slot
  }
  throw new TrunklineError('RATE_LIMITED', `The topic takes no more events at the moment (${maxAttempts} conflicts).`)
}

/** The newest slot; undefined for an empty log. Strongly consistent. */
export async function readNewest(scope: RuntimeContext, topic: string): Promise<Slot | undefined> {
  const { slots } = await scope.store.readSlotsBefore(topic, undefined, 1)
  return slots[0]
}

/** The slot to put after `newest`: of the same epoch if `newest` is an anchor, else of a new epoch. */
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
