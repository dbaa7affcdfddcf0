import { createAgents, resendUnsent } from '../http/keep-alive.ts'
import { withDeadline } from '../ports/deadline.ts'
import type { InvokedFunction, Invoker } from '../ports/invoker.ts'
import { type Credentials, httpSettings, onFirstUse, requireRegion, type WallClock } from '../ports/sdk-client.ts'

/** Which functions are started, and how they are reached. */
export interface LambdaInvokerOptions {
  /** Names or ARNs. */
  readonly functions: { readonly [Name in InvokedFunction]?: string | undefined }
  /** @default what the SDK finds, AWS_REGION first */
  readonly region?: string
  /** Another endpoint than the region's, for a local line. */
  readonly endpoint?: string
  readonly credentials?: Credentials
  /** By which sockets that were idle for more than 2 s are not used again. @default the machine's */
  readonly clock?: WallClock
}

/** Where a deployed function learns another one's name. */
const variables: Readonly<Record<InvokedFunction, string>> = {
  deliver: 'TRUNKLINE_DELIVER',
  worker: 'TRUNKLINE_WORKER',
}

const tryTimeoutMs = 2_000 // an asynchronous invocation is accepted in some 50 ms
const deadlineMs = 8_000 // three tries and the pauses between them

/** Starts Lambda functions asynchronously. The SDK is imported with the first invocation, and one client serves the invoker. */
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
      if (!FunctionName) throw new Error(`No function is named for \`${name}\`: set ${variables[name]}.`)
      const Payload = JSON.stringify(payload)
      const { client, sdk } = await connect()
      const command = new sdk.InvokeCommand({ FunctionName, InvocationType: 'Event', Payload })
      await withDeadline(deadlineMs, (abortSignal) => client.send(command, { abortSignal }), signal)
    },
  }
}
