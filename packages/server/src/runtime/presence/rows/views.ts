import type { PipeStep } from '../../../define/subscription.ts'
import type { Slot } from '../../../ports/log.ts'
import type { PresenceView } from '../../../ports/presence.ts'
import type { InvocationContext } from '../../context/runtime-context.ts'
import { evaluate } from '../../encoding/replay-results.ts'
import { eventResult, faultResult } from '../../encoding/result-frames.ts'
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
 * A slot's result for a view, as JSON text; undefined when the view does not show it. A count covers all slots before
 * it, so the client waits for none. [TL-PRES-7]
 */
export function viewResult(
  context: InvocationContext,
  topic: string,
  view: PresenceView,
  slot: Slot,
  path: string,
): string | undefined {
  const cursor = cursorOf(context, slot)
  const evaluated = evaluate(context, topic, viewPipes[view], slot)
  if (evaluated.status === 'no-match') return undefined
  if (evaluated.status === 'failed') return faultResult(context.server, cursor, path, evaluated.thrown)
  return eventResult(context.server, cursor, path, evaluated.event, view === 'count' ? 0 : undefined)
}

function toEvent({ type, member, data }: PresenceSlot) {
  return type === 'leave' ? { type, member } : { type, member, data }
}
