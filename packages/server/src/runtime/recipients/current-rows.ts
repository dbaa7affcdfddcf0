import type { Subscriber } from '../../ports/subscribers.ts'
import { readTimeOf, recordReadTime } from '../context/read-times.ts'
import { type InvocationContext, type RuntimeContext, within } from '../context/runtime-context.ts'
import { guardOf } from '../procedures/topic-rights.ts'

/** A row of a channel with `authorize` is read again before a post when its last read is older. */
export const freshMs = 1_500
/** A post for such a row ends within this time after that check. Together less than 5 s, with a margin. [LAW-RIGHTS] */
const postMs = 3_000

/**
 * Whether a row that a delivery has read is still on. A large delivery, a retry and a lock last for longer than rights
 * may, so a row of a channel with `authorize` is read again once its last read is too old. Other rows are not.
 */
export function isCurrent(context: RuntimeContext, row: Subscriber): boolean | Promise<boolean> {
  if (guardOf(context, row.topic) === undefined) return true
  const now = context.clock.now()
  return now - (readTimeOf(row) ?? Number.NEGATIVE_INFINITY) <= freshMs || readAgain(context, row, now)
}

async function readAgain({ store }: RuntimeContext, row: Subscriber, now: number): Promise<boolean> {
  const current = await store.readSubscriber(row)
  if (current?.on !== true || current.ref !== row.ref) return false
  recordReadTime(row, now)
  return true
}

/** Runs posts for rows that were just checked. With a channel with `authorize` among them, the time is bounded. */
export function postingTo<T>(
  context: InvocationContext,
  rows: Iterable<Pick<Subscriber, 'topic'>>,
  work: (context: InvocationContext) => Promise<T>,
): Promise<T> {
  for (const { topic } of rows) if (guardOf(context, topic) !== undefined) return within(context, postMs, work)
  return work(context)
}

const boundedAnswers = new WeakSet<object>()

/** Marks the frames of an answer that has events of a channel with `authorize`: its post has the time of a push. */
export function boundAnswer<F extends object>(frames: F): F {
  boundedAnswers.add(frames)
  return frames
}

/** Whether an answer has the time of a push, so that it must not wait for other answers. */
export function isBoundedAnswer(frames: object): boolean {
  return boundedAnswers.has(frames)
}

/** Runs the posts of an answer, within the time of a push if its frames are marked. */
export function postingAnswer<T>(
  context: InvocationContext,
  frames: object,
  work: (context: InvocationContext) => Promise<T>,
): Promise<T> {
  return boundedAnswers.has(frames) ? within(context, postMs, work) : work(context)
}
