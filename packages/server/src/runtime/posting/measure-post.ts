import type { PostOutcome } from '../../ports/gateway.ts'
import type { Metric } from '../../ports/telemetry.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'

const metricOf: Readonly<Record<PostOutcome['status'], Metric>> = {
  posted: 'posts',
  gone: 'gone',
  throttled: 'throttled',
  'too-large': 'failedPosts',
  failed: 'failedPosts',
}

/** Measures the outcome of one attempt to post. */
export function measurePost({ telemetry }: RuntimeContext, { status }: PostOutcome): void {
  telemetry.measure(metricOf[status], 1)
}
