import type { Slot } from '../../ports/log.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'

/** Counts an event that the gateway accepted for one subscriber, and measures the event's age. */
export function measureDelivery({ telemetry, clock }: RuntimeContext, slot: Slot | undefined): void {
  telemetry.measure('deliveries', 1)
  // The publisher's clock may be ahead.
  if (slot !== undefined) telemetry.measure('timeToDeliver', Math.max(0, clock.now() - slot.time))
}
