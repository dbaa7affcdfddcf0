import type { ShardLeaseHolder, ShardLeaseRow } from '../../ports/leases.ts'

/** The rules of whose turn it is to deliver a shard's events (decision 0036), without the store. */

/** What a row says of a turn. */
export type ShardLease = Pick<ShardLeaseRow, 'epoch' | 'from' | 'through' | 'holder' | 'nextOffset'>

/** Events that a job is to deliver. */
export interface Asked {
  /** The job's name. */
  readonly by: string
  readonly epoch: string
  readonly offset: number
  readonly through: number
}

/** `left`: others have delivered it or are at it. `note`: the holder is to go on from there when it is done. `free`: the job's turn, from `start` on. */
export type Answer =
  | { readonly status: 'left' }
  | { readonly status: 'note'; readonly nextOffset: number }
  | { readonly status: 'free'; readonly start: number }

/** Jobs of neighbouring events come in no order: whose own is at most so many behind is taken along, and finds that out. */
const reach = 10

/**
 * What becomes of a job. `wasWrittenSince`: the row was put after the job's events stood. Only then is its note enough: what was noted before may be answered by a
 * look at the log that came before them, and a write of one's own makes the holder look again.
 */
export function requestLease(turn: ShardLease | undefined, asked: Asked, now: number, wasWrittenSince = false): Answer {
  const { by, epoch, offset } = asked
  if (turn === undefined || turn.epoch !== epoch) return { status: 'free', start: offset }
  if (isHeld(turn, now) && turn.holder?.jobId !== by) {
    if (covers(turn, asked)) return { status: 'left' }
    const nextOffset = offset < turn.from ? offset : Math.max(offset, turn.through + 1)
    const isNoted = turn.nextOffset !== undefined && turn.nextOffset <= nextOffset
    if (isNoted && wasWrittenSince) return { status: 'left' }
    return { status: 'note', nextOffset: isNoted ? (turn.nextOffset ?? nextOffset) : nextOffset }
  }
  const rest = atRest(turn)
  if (rest.nextOffset === undefined && covers(rest, asked)) return { status: 'left' }
  const next = rest.through + 1
  const own = offset >= rest.from && offset <= next + reach ? next : offset
  return { status: 'free', start: Math.min(own, rest.nextOffset ?? own) }
}

/** What becomes of a job whose own events are gone: what was left undone there is done all the same. */
export function requestRest(turn: ShardLease | undefined, by: string, now: number): Answer {
  if (turn === undefined || (isHeld(turn, now) && turn.holder?.jobId !== by)) return { status: 'left' }
  const { nextOffset } = atRest(turn)
  return nextOffset === undefined ? { status: 'left' } : { status: 'free', start: nextOffset }
}

/** How much of the log a turn from `start` is for: up to what was delivered already, or to its end. */
export function slotsFor(turn: ShardLease | undefined, start: number, most: number): number {
  return turn === undefined || start >= turn.from ? most : Math.min(most, turn.from - start)
}

/** The turn of whoever takes it over one that is at rest, and delivers `start` to `through`. `more`: the log goes on. */
export function acquiredLease(
  turn: ShardLease | undefined,
  { epoch, ...holder }: ShardLeaseHolder & { readonly epoch: string },
  { through, more }: { readonly through: number; readonly more: boolean },
): ShardLease {
  const { start } = holder
  const joins = turn?.epoch === epoch && start <= turn.through + 1 && through >= turn.from - 1
  if (!joins) return { epoch, from: start, through, holder, ...(more && { nextOffset: through + 1 }) }
  const end = Math.max(turn.through, through)
  return { epoch, from: Math.min(turn.from, start), through: end, holder, ...(more && { nextOffset: end + 1 }) }
}

/** Nobody is at it: what a holder had begun with is asked for again, unless it is done. */
export function atRest({ holder, ...turn }: ShardLease): ShardLease {
  if (holder === undefined) return turn
  const { start } = holder
  return {
    epoch: turn.epoch,
    from: Math.min(turn.from, start),
    through: start - 1,
    nextOffset: Math.min(start, turn.nextOffset ?? start),
  }
}

/** The holder has delivered all that is asked for, as far as the log still has it. */
export function ended({ epoch, from, through }: ShardLease): ShardLease {
  return { epoch, from, through }
}

function isHeld({ holder }: ShardLease, now: number): boolean {
  return holder !== undefined && now < holder.expiresAt
}

function covers({ from, through }: ShardLease, asked: Asked): boolean {
  return from <= asked.offset && asked.through <= through
}
