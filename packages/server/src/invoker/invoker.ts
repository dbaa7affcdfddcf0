import type { WallClock } from '../ports/clock.ts'
import type { InvokedFunction, Invoker } from '../ports/invoker.ts'
import { type Credentials, httpSettings, onFirstUse, requireRegion } from '../sdk/client-settings.ts'
import { createAgents, resendUnsent } from '../sdk/keep-alive.ts'
import { withDeadline } from '../sdk/request-deadline.ts'

/** The functions that the invoker starts, and how to connect to Lambda. */
export interface LambdaInvokerOptions {
  /** The name or ARN of each function. */
  readonly functions: { readonly [Name in InvokedFunction]?: string | undefined }
  /** @default the SDK's own search, which begins with AWS_REGION */
  readonly region?: string
  /** The URL of a local line. @default the region's endpoint */
  readonly endpoint?: string
  /** @default the SDK's own search */
  readonly credentials?: Credentials
  /** Sockets that were idle for more than 2 s by this clock are not reused. @default the machine's clock */
  readonly clock?: WallClock
}

/** The environment variables that name the functions. */
const variables: Readonly<Record<InvokedFunction, string>> = {
  deliver: 'TRUNKLINE_DELIVER',
  worker: 'TRUNKLINE_WORKER',
}

const tryTimeoutMs = 2_000 // an asynchronous invocation is accepted in about 50 ms
const deadlineMs = 8_000 // three tries and the pauses between them

/**
 * Starts Lambda functions asynchronously. One SDK client serves the invoker, which is imported and created with the
 * first invocation. A request is tried up to three times within 8 s.
 */
export function createLambdaInvoker({ functions, clock, ...target }: LambdaInvokerOptions): Invoker {
  const connect = onFirstUse(async () => {
    const sdk = await import('./lambda-sdk.ts')
    const client = new sdk.LambdaClient({
      ...target,
      maxAttempts: 3,
      retryMode: 'standard',
      requestHandler: httpSettings({ requestTimeoutMs: tryTimeoutMs, agents: createAgents({ sockets: 50, clock }) }),
    })
    resendUnsent(client.config.requestHandler)
    await requireRegion(client)
    return { client, sdk }
  })
  return {
    kind: 'lambda',
    async invoke(name, payload, { signal } = {}) {
      const FunctionName = functions[name]
      if (!FunctionName)
        throw new Error(
          `No function name for \`${name}\`: set ${variables[name]} to the name of the deployed function.`,
        )
      const Payload = JSON.stringify(payload)
      const { client, sdk } = await connect()
      const command = new sdk.InvokeCommand({ FunctionName, InvocationType: 'Event', Payload })
      await withDeadline(deadlineMs, (abortSignal) => client.send(command, { abortSignal }), signal)
    },
  }
}
