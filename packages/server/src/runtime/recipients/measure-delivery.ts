import type { Slot } from '../../ports/log.ts'
import type { RuntimeContext } from '../context/scope.ts'

/** Tells that the gateway took an event for one subscriber, and how old the event was by then. */
export function measureDelivery({ telemetry, clock }: RuntimeContext, slot: Slot | undefined): void {
  telemetry.measure('deliveries', 1)
  if (slot !== undefined) telemetry.measure('timeToDeliver', Math.max(0, clock.now() - slot.time)) // another machine's clock may be ahead
}
