import { type FrameId, limits, type PollResult, type PollState, type SyncFrame } from '@trunkline/protocol'

/** The time between two polls without news grows by this factor: 1, 1.5, 2.25, … seconds. */
const growth = 1.5
/** A connection uses at most 20 read units a second by its polls. [TL-HTTP-10] */
const msPerUnit = 50

/** One poll: a `sync` over HTTP that leaves out what has no news, and names the time of the next one. */
export interface Poll {
  /** Whether the slots at the positions are read too, at least once in `verifyMs` [LAW-LOGICAL-EXPIRY]. */
  readonly verifies: boolean
  /** Notes a subscription for which there was no room. */
  leaveOut(id: FrameId): void
  /** The `data` of the answer. `units` is what the poll has read. */
  result(found: { readonly hasNews: boolean; readonly units: number }): PollResult
}

/**
 * The poll of a `sync`; undefined for one that is none. The server keeps nothing between two polls: a client repeats
 * what the last answer said. A client that repeats it wrongly is polled oftener or verified less, which harms no other.
 */
// [TL-HTTP-9] [TL-HTTP-11]
export function toPoll(asked: SyncFrame['params']['poll'], now: number): Poll | undefined {
  if (asked === undefined) return undefined
  const { nextMs: last, verified }: PollState = asked === true ? {} : asked
  const untilNext = Math.max(limits.slowPollMs.value, last ?? 0)
  const isVerified = verified !== undefined && verified <= now && now + untilNext < verified + limits.verifyMs.value
  const more: FrameId[] = []
  return {
    verifies: !isVerified,
    leaveOut: (id) => void more.push(id),
    result: ({ hasNews, units }) => ({
      nextMs: Math.max(paceOf(hasNews ? undefined : last), units * msPerUnit),
      more,
      // What was left out was not read.
      verified: isVerified || more.length > 0 ? (verified ?? 0) : now,
    }),
  }
}

/** The pace of the next poll, in milliseconds, from that of the last one. It is the quickest after news and calls. */
function paceOf(last: number | undefined): number {
  const { pollMs, slowPollMs } = limits
  if (last === undefined) return pollMs.value
  return Math.min(Math.max(Math.round(last * growth), pollMs.value), slowPollMs.value)
}
