import type { Slot } from '../../ports/log.ts'
import type { PresenceView } from '../../ports/presence.ts'
import type { Subscriber } from '../../ports/subscribers.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { evaluate } from '../encoding/replay-results.ts'
import { ephemeralResult, eventResult, faultResult, frameText } from '../encoding/result-frames.ts'
import { cursorOf } from '../log/retention.ts'
import { viewResult } from '../presence/rows/views.ts'
import type { Delivery } from '../recipients/delivery.ts'
import { createPipeline } from '../recipients/filtered-result.ts'

/** Makes a subscriber's frame as JSON text; undefined when the subscriber gets no frame. */
export type FrameMaker = (row: Subscriber) => Promise<string | undefined>

/**
 * Makes the frames of one event for any number of subscribers. Results that several subscribers share are made once.
 */
export function createFrameMaker(context: InvocationContext, delivery: Delivery): FrameMaker {
  const pipeline = createPipeline(context, delivery)
  let shared: string | undefined
  const views = new Map<PresenceView, string | undefined>()
  const viewOf = (view: PresenceView, slot: Slot, path: string) => {
    if (!views.has(view)) views.set(view, viewResult(context, delivery.topic, view, slot, path))
    return views.get(view)
  }
  const resultFor = async ({ presence, path, ...row }: Subscriber) => {
    if (presence !== undefined && delivery.slot !== undefined) return viewOf(presence.view, delivery.slot, path)
    if (row.piped !== undefined) return pipeline({ ...row, path }, row.piped)
    shared ??= unfilteredResult(context, delivery, path)
    return shared
  }
  return async (row) => {
    const result = await resultFor(row)
    return result === undefined ? undefined : frameText(row.id, result)
  }
}

function unfilteredResult(context: InvocationContext, delivery: Delivery, path: string): string {
  if (delivery.slot === undefined) return ephemeralResult(context.server, JSON.parse(delivery.data))
  const cursor = cursorOf(context, delivery.slot)
  const evaluated = evaluate(context, delivery.topic, [], delivery.slot)
  if (evaluated.status === 'match') return eventResult(context.server, cursor, path, evaluated.event)
  const thrown = evaluated.status === 'failed' ? evaluated.thrown : new Error('The slot to deliver holds no event.')
  return faultResult(context.server, cursor, path, thrown)
}
