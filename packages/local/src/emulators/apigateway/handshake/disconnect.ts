import { findFunction, type GatewayParts } from '../connection/gateway-context.ts'
import { type ConnectionFacts, toDisconnectEvent } from '../integration/events.ts'
import type { CloseFacts } from '../integration/undocumented.ts'

/** Runs `$disconnect` for a connection that is gone already. Its answer is ignored, whatever it is. */
export function runDisconnect(parts: GatewayParts, facts: ConnectionFacts, close: CloseFacts): void {
  const functionName = findFunction(parts, '$disconnect')
  if (functionName === undefined || !parts.unsure.disconnect) return
  const run = () => {
    if (!parts.isServing()) return
    const occasion = { routeKey: '$disconnect', requestId: parts.ids.request(), time: parts.clock.now() }
    parts.work.track(parts.integrate(functionName, toDisconnectEvent(facts, occasion, close)))
  }
  if (parts.unsure.disconnectDelayMs > 0) parts.clock.after(parts.unsure.disconnectDelayMs, run)
  else run()
}
