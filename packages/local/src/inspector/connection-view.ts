import type { GatewayConnection } from '../emulators/apigateway/gateway.ts'
import type { ConnectionView, SubscriptionView } from './view.ts'

/** A connection, described by its authorizer's context. */
export function toConnectionView(
  { connectionId, authorizer, state, connectedAt }: GatewayConnection,
  subscriptions: readonly SubscriptionView[],
): ConnectionView {
  const { principal, extensions } = readCaller(authorizer?.['trunkline'])
  return {
    id: connectionId,
    principal: typeof principal === 'string' ? principal : null,
    client: extensions === true ? 'ours' : 'stock',
    state,
    connectedAt,
    subscriptions,
  }
}

/**
 * Reads the context that the server's `authorizeConnect` writes. Another authorizer of the application may write other
 * fields or none.
 */
function readCaller(received: string | undefined): { readonly principal?: unknown; readonly extensions?: unknown } {
  try {
    const caller: unknown = JSON.parse(received ?? '{}')
    return typeof caller === 'object' && caller !== null ? caller : {}
  } catch {
    return {}
  }
}
