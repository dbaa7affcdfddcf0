import type { PipedContext, Subscriber } from '../../ports/subscribers.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { checkRight, guardOf, RightUndecided, TopicRefused } from '../procedures/topic-rights.ts'
import { endSubscriber } from './end-subscriber.ts'

const maxAttempts = 2

/**
 * Whether a subscriber may get the events of one delivery. False when its channel refused, which has ended the
 * subscription. Throws `RightUndecided` when `authorize` fails in two attempts, or does not answer in time.
 */
export type Recheck = (row: Subscriber) => Promise<boolean>

/**
 * The checks of one delivery of a channel with `recheck: 'delivery'`. Each subscription is asked for once, and those of
 * one principal with the same claims share one answer. Rows of other channels pass. [TL-RIGHT-4]
 */
export function createRecheck(context: InvocationContext): Recheck {
  const answers = new Map<string, Promise<void>>()
  const checked = new Map<Subscriber, Promise<boolean>>()
  const answerFor = ({ topic }: Subscriber, { principal, claims }: PipedContext) => {
    const name = JSON.stringify([topic, principal, claims])
    const answer =
      answers.get(name) ?? repeated(() => checkRight(context, topic, { principal, ...(claims && { claims }) }))
    answers.set(name, answer)
    return answer
  }
  const check = async (row: Subscriber, piped: PipedContext): Promise<boolean> => {
    try {
      await answerFor(row, piped)
      return true
    } catch (thrown) {
      if (!(thrown instanceof TopicRefused)) throw thrown
      await endSubscriber(context, row, thrown)
      return false
    }
  }
  return async (row) => {
    if (row.piped === undefined || guardOf(context, row.topic)?.recheck === undefined) return true
    const checking = checked.get(row) ?? check(row, row.piped)
    checked.set(row, checking)
    return checking
  }
}

/** One that was late is not asked again: the delivery is. */
async function repeated(ask: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask()
    } catch (thrown) {
      const isFinal = !(thrown instanceof RightUndecided) || thrown.isLate
      if (isFinal || attempt === maxAttempts) throw thrown
    }
  }
}

/** The context by which a delivery runs a subscriber's procedure again; undefined without `filter` and `map`. */
export function pipedOf({ piped }: Pick<Subscriber, 'piped'>): PipedContext | undefined {
  return piped?.rechecked === 'only' ? undefined : piped
}
