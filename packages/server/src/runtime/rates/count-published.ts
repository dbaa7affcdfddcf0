import type { RuntimeContext } from '../context/runtime-context.ts'
import { addToBound, endFlood, rateExceeded } from './bound.ts'
import { sampledBytes } from './sample.ts'

/** The bytes that a count of published bytes has in a sample, as a count of frames has `sampleWeight` frames. */
export const sampleBytes = 10_240

/**
 * Counts an event, as JSON text, for the caller whose call publishes it. Counts nothing for a script, a schedule or a
 * subscription. Throws RATE_LIMITED above a rate, before the event is published; above twice a rate it deletes the
 * connection first. [TL-RATE-3]
 */
export async function countPublished(context: RuntimeContext, data: string): Promise<void> {
  const { server, deadline, caller } = context
  const bounds = server?.rates.filter(({ kind }) => kind === 'publishedBytes') ?? []
  if (bounds.length === 0 || server === undefined || deadline === undefined || caller === undefined) return
  const invocation = { ...context, server, deadline }
  const bytes = Buffer.byteLength(data)
  const counted = await Promise.all(
    bounds.map((bound) => {
      const amount = sampledBytes(context.clock, bytes, sampleBytes)
      return amount === 0 ? undefined : addToBound(invocation, { bound, caller }, amount)
    }),
  )
  const found = counted.filter((excess) => excess !== undefined)
  const flood = found.find(({ isFar }) => isFar)
  if (flood !== undefined) await endFlood(invocation, caller, flood)
  const [longest] = found.sort((a, b) => b.retryAfterMs - a.retryAfterMs)
  if (longest !== undefined) throw rateExceeded(longest)
}
