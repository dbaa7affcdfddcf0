import type { AnnouncedParams } from '../connections/connection-params.ts'
import type { ConnectionCaller } from '../context/caller.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import type { RateBound } from '../context/served-application.ts'
import type { TrunklineError } from '../context/trunkline-error.ts'
import { addToBound, type Excess, endFlood, rateExceeded } from './bound.ts'
import { sampleOf, sampleWeight } from './sample.ts'
import { toRatedCaller } from './window.ts'

/** What the rates decide about the frames of one message. */
export interface CountedFrames {
  /** The connection is above twice a rate: no frame of the message runs, and `end` deletes the connection. */
  readonly isFlood: boolean
  /** The error of the frame at this index of the message, whose method is given; undefined for one that may run. */
  refusal(index: number, method: unknown): TrunklineError | undefined
  /** To be called when the message is answered. Never throws. */
  end(): Promise<void>
}

/** Without any rate. */
export const allMayRun: CountedFrames = { isFlood: false, refusal: () => undefined, end: async () => {} }

/**
 * The frames that are refused above a rate. A client has no answer to an error for the other ones, and they end work
 * rather than begin it: they are counted and run. [TL-RATE-1]
 */
const refused: ReadonlySet<unknown> = new Set(['query', 'mutation', 'subscription', 'sync', 'auth', 'chunk'])

/** The sender of a message. */
export interface FrameSender {
  readonly caller: ConnectionCaller
  readonly params: AnnouncedParams
}

/** A caller that is above a bound, as the frames at these indexes of the message found out. */
interface Found {
  readonly excess: Excess
  readonly sampled: ReadonlySet<number>
}

/**
 * Counts the frames of one message, by their methods, for each bound that is set: one write for the sampled ones
 * together, and none without any. Never throws. [TL-RATE-3]
 */
export async function countFrames(
  context: InvocationContext,
  sender: FrameSender,
  methods: readonly unknown[],
): Promise<CountedFrames> {
  const { rates } = context.server
  if (rates.length === 0) return allMayRun
  const counted = await Promise.all(rates.map((bound) => countFor(context, { bound, sender }, methods)))
  const found = counted.filter((each) => each !== undefined)
  const flood = found.find(({ excess }) => excess.isFar)?.excess
  return {
    isFlood: flood !== undefined,
    refusal(index, method) {
      if (flood !== undefined) return rateExceeded(flood)
      const excess = found.filter(({ sampled }) => sampled.has(index)).map((each) => each.excess)
      const [longest] = excess.sort((a, b) => b.retryAfterMs - a.retryAfterMs)
      return longest !== undefined && refused.has(method) ? rateExceeded(longest) : undefined
    },
    async end() {
      if (flood !== undefined) await endFlood(context, sender.caller, flood)
    },
  }
}

async function countFor(
  context: InvocationContext,
  { bound, sender }: { readonly bound: RateBound; readonly sender: FrameSender },
  methods: readonly unknown[],
): Promise<Found | undefined> {
  if (bound.kind === 'publishedBytes') return undefined
  const isCounted = (method: unknown) => bound.kind === 'frames' || method === 'subscription'
  const counted = methods.flatMap((method, index) => (isCounted(method) ? [index] : []))
  const sampled = new Set(sampleOf(context.clock, counted.length).map((at) => counted[at] as number))
  if (sampled.size === 0) return undefined
  const caller = toRatedCaller(await callerFor(bound, sender, methods))
  const excess = await addToBound(context, { bound, caller }, sampled.size * sampleWeight)
  return excess && { excess, sampled }
}

/** The frames that run only for a caller that is known. */
const ofCaller: ReadonlySet<unknown> = new Set(['query', 'mutation', 'subscription', 'sync'])

/** Announced parameters settle the principal, and the frames of these methods wait for them anyway. */
async function callerFor(
  { scope }: RateBound,
  { caller, params }: FrameSender,
  methods: readonly unknown[],
): Promise<ConnectionCaller> {
  const waits = scope === 'principal' && caller.expectsParams && methods.some((method) => ofCaller.has(method))
  if (waits) await params.read().catch(() => {})
  return params.caller
}
