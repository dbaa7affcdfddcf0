import type { Slot } from '../../ports/log.ts'
import type { PresenceView } from '../../ports/presence.ts'
import type { Subscriber } from '../../ports/subscribers.ts'
import { reportingNone, reportingRow } from '../context/failure-source.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { type Frame, RawJson, type Result } from '../encoding/encode.ts'
import {
  advanceResult,
  ephemeralResult,
  evaluate,
  faultResult,
  isStreamTopic,
  resultOf,
} from '../encoding/result-frames.ts'
import { cursorOf } from '../log/retention.ts'
import { viewResult } from '../presence/rows/views.ts'
import { RightUndecided } from '../procedures/topic-rights.ts'
import type { Delivery } from '../recipients/delivery.ts'
import { createPipeline } from '../recipients/filtered-result.ts'
import { pipedOf, type Recheck } from '../recipients/recheck.ts'

/**
 * Makes a subscriber's frame; undefined when the subscriber gets none. Returns no promise for a row without `piped`.
 */
export type FrameMaker = (row: Subscriber) => Frame | undefined | Promise<Frame | undefined>

/**
 * Makes the frames of one event for any number of subscribers. Results that several subscribers share are made once.
 */
export function createFrameMaker(invocation: InvocationContext, delivery: Delivery, recheck: Recheck): FrameMaker {
  const context = reportingNone(invocation)
  const pipeline = createPipeline(context, delivery)
  let shared: Result | undefined
  const views = new Map<PresenceView, Result | undefined>()
  const viewOf = (view: PresenceView, slot: Slot, path: string) => {
    if (!views.has(view)) views.set(view, viewResult(context, { topic: delivery.topic, view, path }, slot))
    return views.get(view)
  }
  const sharedResult = ({ path, presence }: Subscriber) => {
    if (presence !== undefined && delivery.slot !== undefined) return viewOf(presence.view, delivery.slot, path)
    shared ??= unfilteredResult(context, delivery, path)
    return shared
  }
  const resultFor = (row: Subscriber) => {
    const piped = row.presence !== undefined && delivery.slot !== undefined ? undefined : pipedOf(row)
    return piped === undefined ? sharedResult(row) : pipeline(row, piped)
  }
  const pipedResult = async (row: Subscriber) => {
    try {
      return (await recheck(row)) ? await resultFor(row) : undefined
    } catch (thrown) {
      if (!(thrown instanceof RightUndecided) || thrown.isLate || delivery.slot === undefined) throw thrown
      return faultResult(
        reportingRow(context, row).server,
        { cursor: cursorOf(context, delivery.slot), path: row.path },
        thrown,
      )
    }
  }
  return (row) => {
    if (row.piped !== undefined) return pipedResult(row).then((result) => frameOf(row, result))
    return frameOf(row, sharedResult(row)) // only a row with `piped` can have a recheck
  }
}

function frameOf({ id }: Subscriber, result: Result | undefined): Frame | undefined {
  return result === undefined ? undefined : { id: new RawJson(id), result }
}

function unfilteredResult(context: InvocationContext, delivery: Delivery, path: string): Result {
  if (delivery.slot === undefined) return ephemeralResult(context.server, JSON.parse(delivery.data))
  const place = { cursor: cursorOf(context, delivery.slot), path }
  const evaluated = evaluate(context, { topic: delivery.topic, pipe: [] }, delivery.slot)
  const result = resultOf(context.server, place, evaluated)
  if (result !== undefined) return result
  // A stream's slot without chunks, which moves the position.
  if (isStreamTopic(context, delivery.topic)) return advanceResult(place.cursor, place.cursor.offset - 1)
  return faultResult(context.server, place, new Error('The slot to deliver holds no event.'))
}
