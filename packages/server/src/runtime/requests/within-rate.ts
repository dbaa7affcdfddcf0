import type { CountedFrames } from '../rates/count-frames.ts'
import { type ParsedElement, requestInfoOf } from './parse-request.ts'

/** The element, or the refusal of a frame that is above a rate. [TL-RATE-1] */
export function withinRate(parsed: ParsedElement, rates: CountedFrames, index: number): ParsedElement {
  if (parsed.status === 'malformed') return parsed
  const thrown = rates.refusal(index, parsed.request.method)
  return thrown === undefined ? parsed : { status: 'malformed', asked: requestInfoOf(parsed.request), thrown }
}
