import type { Subscriber } from '../../ports/store.ts'
import type { InvocationContext } from '../context/scope.ts'

const firstPauseMs = 100
/** Longer than a burst takes. A holder that is dead is found out by the invocation's own repetition. */
const longestPauseMs = 6_400

/** Tries again, with pauses, to deliver to the stock subscriptions among these rows, whose chains others held: they are free soon, or have come as far. Returns the rows that are left. */
// [TL-CHAIN-2]
export async function awaitLocks(
  scope: InvocationContext,
  undelivered: readonly Subscriber[],
  deliver: (rows: readonly Subscriber[]) => Promise<readonly Subscriber[]>,
): Promise<readonly Subscriber[]> {
  const { clock, deadline } = scope
  const others = undelivered.filter(({ extensions }) => extensions)
  let held = undelivered.filter(({ extensions }) => !extensions)
  for (let pause = firstPauseMs; held.length > 0 && pause <= longestPauseMs; pause *= 2) {
    if (clock.now() + pause >= deadline.at) break
    await clock.sleep(pause, deadline.signal)
    held = [...(await deliver(held))]
  }
  return [...others, ...held]
}
