import type { ApiGatewayManagementApiClient } from '@aws-sdk/client-apigatewaymanagementapi'
import type { WallClock } from '../ports/clock.ts'
import type { Gateway } from '../ports/gateway.ts'
import { type Credentials, httpSettings, onFirstUse, requireRegion } from '../sdk/client-settings.ts'
import { createAgents, resendUnsent } from '../sdk/keep-alive.ts'
import { withDeadline } from '../sdk/request-deadline.ts'
import { toPostFailure } from './outcome.ts'

/** The API whose connections the gateway posts to, and how to connect to it. */
export interface ApiGatewayOptions {
  /**
   * `https://{api}.execute-api.{region}.amazonaws.com/{stage}`, or a custom domain with its mapping and without the
   * stage.
   */
  readonly callbackUrl: string
  /** @default the SDK's own search, which begins with AWS_REGION */
  readonly region?: string
  /** @default the SDK's own search */
  readonly credentials?: Credentials
  /** The deadline of one request, in milliseconds. @default 1500 */
  readonly requestTimeoutMs?: number
  /** Sockets that were idle for more than 2 s by this clock are not reused. @default the machine's clock */
  readonly clock?: WallClock
}

type Sdk = typeof import('./sdk.ts')
type Request = (client: ApiGatewayManagementApiClient, sdk: Sdk, abortSignal: AbortSignal) => Promise<unknown>

/**
 * The gateway of an API Gateway WebSocket API. One SDK client serves it, which is imported and created with the first
 * request.
 */
export function createApiGateway(options: ApiGatewayOptions): Gateway {
  const { callbackUrl, requestTimeoutMs = 1_500, clock, ...target } = options

  const connect = onFirstUse(async () => {
    const sdk = await import('./sdk.ts')
    const client = new sdk.ApiGatewayManagementApiClient({
      ...target,
      endpoint: callbackUrl,
      maxAttempts: 1, // the port forbids retries, and the SDK would retry 429 and 5xx
      requestHandler: httpSettings({ requestTimeoutMs, agents: createAgents({ sockets: 200, clock }) }),
    })
    resendUnsent(client.config.requestHandler)
    await requireRegion(client)
    return { client, sdk }
  })

  // `connect` is outside of the deadline: the import of a cold start is slow and cannot hang.
  async function send(request: Request, outer: AbortSignal | undefined): Promise<void> {
    const { client, sdk } = await connect()
    await withDeadline(requestTimeoutMs, (signal) => request(client, sdk, signal), outer)
  }

  return {
    kind: 'apigateway',
    async post(connectionId, text, { signal } = {}) {
      const input = { ConnectionId: connectionId, Data: text }
      try {
        await send(
          (client, sdk, abortSignal) => client.send(new sdk.PostToConnectionCommand(input), { abortSignal }),
          signal,
        )
        return { status: 'posted' }
      } catch (error) {
        return toPostFailure(error)
      }
    },
    async disconnect(connectionId, { signal } = {}) {
      const input = { ConnectionId: connectionId }
      try {
        await send(
          (client, sdk, abortSignal) => client.send(new sdk.DeleteConnectionCommand(input), { abortSignal }),
          signal,
        )
        return 'closed'
      } catch (error) {
        return toPostFailure(error).status === 'gone' ? 'closed' : 'failed'
      }
    },
  }
}
