import { findFunction, type GatewayContext } from '../connection/gateway-context.ts'
import { type ConnectionInfo, toDisconnectEvent } from '../integration/events.ts'
import type { CloseInfo } from '../integration/undocumented.ts'

/** Runs `$disconnect` for a closed connection. The result is ignored. */
export function runDisconnect(gateway: GatewayContext, info: ConnectionInfo, close: CloseInfo): void {
  const functionName = findFunction(gateway, '$disconnect')
  if (functionName === undefined || !gateway.undocumented.disconnect) return
  const run = () => {
    if (!gateway.isServing()) return
    const eventInfo = { routeKey: '$disconnect', requestId: gateway.ids.request(), time: gateway.clock.now() }
    void gateway.inFlight.track(gateway.integrate(functionName, toDisconnectEvent(info, eventInfo, close)))
  }
  if (gateway.undocumented.disconnectDelayMs > 0) gateway.clock.after(gateway.undocumented.disconnectDelayMs, run)
  else run()
}
