import type { ApiGatewayManagementApiClient } from '@aws-sdk/client-apigatewaymanagementapi'
import { createAgents, resendUnsent } from '../http/keep-alive.ts'
import { withDeadline } from '../ports/deadline.ts'
import type { Gateway } from '../ports/gateway.ts'
import { type Credentials, httpSettings, onFirstUse, requireRegion, type WallClock } from '../ports/sdk-client.ts'
import { toPostFailure } from './outcome.ts'

/** Which API's sockets, and how they are reached. */
export interface ApiGatewayOptions {
  /** `https://{api}.execute-api.{region}.amazonaws.com/{stage}`. Behind a custom domain its name and mapping, without the stage. */
  readonly callbackUrl: string
  /** @default what the SDK finds, AWS_REGION first */
  readonly region?: string
  readonly credentials?: Credentials
  /** For the whole of one request. @default 1500 */
  readonly requestTimeoutMs?: number
  /** By which sockets that were idle for more than 2 s are not used again. @default the machine's */
  readonly clock?: WallClock
}

type Sdk = typeof import('./sdk.ts')
type Request = (client: ApiGatewayManagementApiClient, sdk: Sdk, abortSignal: AbortSignal) => Promise<unknown>

/** The sockets of an API Gateway WebSocket API. The SDK is imported with the first request, and one client serves the gateway. */
export function createApiGateway(options: ApiGatewayOptions): Gateway {
  const { callbackUrl, requestTimeoutMs = 1_500, clock, ...target } = options

  const connect = onFirstUse(async () => {
    const sdk = await import('./sdk.ts')
    const client = new sdk.ApiGatewayManagementApiClient({
      ...target,
      endpoint: callbackUrl,
      maxAttempts: 1, // the caller has the budget, and the SDK would retry 429 and 5xx
      requestHandler: httpSettings({ requestTimeoutMs, agents: createAgents({ sockets: 200, clock }) }),
    })
    resendUnsent(client.config.requestHandler)
    await requireRegion(client)
    return { client, sdk }
  })

  // Outside of the deadline: a cold start's import takes its time, and cannot hang.
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
