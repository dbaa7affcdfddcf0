import type { GatewayConnection } from '../emulators/apigateway/gateway.ts'
import type { ConnectionView, SubscriptionView } from './view.ts'

/** A connection as its authorizer described it. */
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

/** What `authorizeConnect` of the server puts into its context; an application may have another authorizer, which puts something else or nothing. */
function readCaller(told: string | undefined): { readonly principal?: unknown; readonly extensions?: unknown } {
  try {
    const caller: unknown = JSON.parse(told ?? '{}')
    return typeof caller === 'object' && caller !== null ? caller : {}
  } catch {
    return {}
  }
}
