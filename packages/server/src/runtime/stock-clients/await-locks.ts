import type { Subscriber } from '../../ports/subscribers.ts'
import type { InvocationContext } from '../context/runtime-context.ts'

const firstPauseMs = 100
/** Longer than a burst takes. A lock whose holder died is handled when the platform repeats this invocation. */
const maxPauseMs = 6_400

/**
 * Retries, with growing pauses, the deliveries to stock clients whose lock another function held: by then the lock is
 * free, or its holder has delivered the events. Returns the rows that are still undelivered.
 */
// [TL-CHAIN-2]
export async function awaitLocks(
  context: InvocationContext,
  undelivered: readonly Subscriber[],
  deliver: (rows: readonly Subscriber[]) => Promise<readonly Subscriber[]>,
): Promise<readonly Subscriber[]> {
  const { clock, deadline } = context
  const others = undelivered.filter(({ extensions }) => extensions)
  let locked = undelivered.filter(({ extensions }) => !extensions)
  for (let pause = firstPauseMs; locked.length > 0 && pause <= maxPauseMs; pause *= 2) {
    if (clock.now() + pause >= deadline.at) break
    await clock.sleep(pause, deadline.signal)
    locked = [...(await deliver(locked))]
  }
  return [...others, ...locked]
}
