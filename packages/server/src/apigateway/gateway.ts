import type { WallClock } from '../ports/clock.ts'
import type { Gateway } from '../ports/gateway.ts'
import { type Credentials, httpSettings, onFirstUse, requireRegion } from '../sdk/client-settings.ts'
import { createAgents, resendUnsent } from '../sdk/keep-alive.ts'
import { withDeadline } from '../sdk/request-deadline.ts'
import { toPostFailure } from './outcome.ts'
import type { SignedClient } from './signed-request.ts'

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

/** The highest number of sockets to the API. */
const sockets = 200

/**
 * The gateway of an API Gateway WebSocket API. One SDK client serves it, which is imported and created with the first
 * request.
 */
export function createApiGateway(options: ApiGatewayOptions): Gateway {
  const { callbackUrl, requestTimeoutMs = 1_500, clock, ...target } = options

  const connect = onFirstUse(async () => {
    const [sdk, signed] = await Promise.all([import('./sdk.ts'), import('./signed-request.ts')])
    const settings = httpSettings({ requestTimeoutMs, agents: createAgents({ sockets, clock }) })
    const client = new sdk.ApiGatewayManagementApiClient({
      ...target,
      endpoint: callbackUrl,
      maxAttempts: 1, // the port forbids retries, and the SDK would retry 429 and 5xx
      requestHandler: settings,
    })
    resendUnsent(client.config.requestHandler)
    await requireRegion(client)
    const { credentials, region } = client.config
    const posts = new signed.SignedClient({
      ...{ callbackUrl: new URL(callbackUrl), credentials, region, sockets, clock },
      ...{ connectionTimeoutMs: settings.connectionTimeout, requestTimeoutMs },
    })
    connected = posts
    return { client, sdk, posts }
  })
  let connected: SignedClient | undefined

  return {
    kind: 'apigateway',
    post(connectionId, text, { signal } = {}) {
      const message = { connectionId, text, signal }
      if (connected !== undefined) return connected.post(message)
      // `connect` is outside of the deadline: the import of a cold start is slow and cannot hang.
      return connect().then(({ posts }) => posts.post(message), toPostFailure)
    },
    async disconnect(connectionId, { signal } = {}) {
      const input = { ConnectionId: connectionId }
      try {
        const { client, sdk } = await connect()
        const send = (abortSignal: AbortSignal) => client.send(new sdk.DeleteConnectionCommand(input), { abortSignal })
        await withDeadline(requestTimeoutMs, send, signal)
        return 'closed'
      } catch (error) {
        return toPostFailure(error).status === 'gone' ? 'gone' : 'failed'
      }
    },
  }
}
