import type { PipeStep } from '../../../define/subscription.ts'
import type { Slot } from '../../../ports/log.ts'
import type { PresenceView } from '../../../ports/presence.ts'
import type { InvocationContext } from '../../context/runtime-context.ts'
import type { Result } from '../../encoding/encode.ts'
import { evaluate, resultOf } from '../../encoding/result-frames.ts'
import { cursorOf } from '../../log/retention.ts'

/** The JSON in a slot of a presence log. `here` is the number of present members after the change, for `count`. */
export interface PresenceSlot {
  readonly type: 'join' | 'update' | 'leave'
  readonly member: string
  readonly data?: unknown
  readonly here: number
  /** The number of recent changes. Beyond a burst, changes are delivered together. */
  readonly busy?: number
}

/** Reads a slot of a presence log; undefined for one that only begins an epoch. */
export function toPresenceSlot({ data }: Pick<Slot, 'data'>): PresenceSlot | undefined {
  return data === undefined ? undefined : (JSON.parse(data) as PresenceSlot) // only `appendChange` writes such slots
}

/** The steps that turn a slot into an event of the view. */
export const viewPipes: Readonly<Record<PresenceView, readonly PipeStep[]>> = {
  members: [{ kind: 'map', fn: (slot) => toEvent(slot as PresenceSlot) }],
  count: [
    { kind: 'filter', keep: (slot) => (slot as PresenceSlot).type !== 'update' },
    { kind: 'map', fn: (slot) => (slot as PresenceSlot).here },
  ],
}

/** The slots that a view has to show. Of counts, only the newest one. */
export function shownSlots(view: PresenceView | undefined, slots: readonly Slot[]): readonly Slot[] {
  if (view !== 'count') return slots
  const newest = slots.findLastIndex((slot) => countOf(slot) !== undefined)
  return newest < 0 ? slots : slots.slice(newest)
}

/** The number of present members after a slot; undefined for a slot that does not change it. */
function countOf(slot: Slot): number | undefined {
  const change = toPresenceSlot(slot)
  return change === undefined || change.type === 'update' ? undefined : change.here
}

/**
 * A slot's result for a view; undefined when the view does not show it. A count covers all slots before it, so the
 * client waits for none. [TL-PRES-7]
 */
export function viewResult(
  context: InvocationContext,
  { topic, view, path }: { readonly topic: string; readonly view: PresenceView; readonly path: string },
  slot: Slot,
): Result | undefined {
  const evaluated = evaluate(context, { topic, pipe: viewPipes[view] }, slot)
  const prev = view === 'count' && evaluated.status === 'match' ? 0 : undefined
  return resultOf(context.server, { cursor: cursorOf(context, slot), path, prev }, evaluated)
}

function toEvent({ type, member, data }: PresenceSlot) {
  return type === 'leave' ? { type, member } : { type, member, data }
}
