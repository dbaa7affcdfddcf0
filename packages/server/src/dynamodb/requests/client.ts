import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { httpSettings, onFirstUse, requireRegion } from '../../sdk/client-settings.ts'
import { createAgents, resendUnsent } from '../../sdk/keep-alive.ts'
import { withDeadline } from '../../sdk/request-deadline.ts'
import type { DynamoStoreOptions } from './options.ts'

const defaultTimeoutMs = 1_000 // 1 s for one try

/** No request was sent: the SDK could not be imported, or no region is known. */
export class NotSentError extends Error {
  override readonly name = 'NotSentError'
}

type Sdk = typeof import('./sdk.ts')

/** Runs one request of the document client. The client is created with the first request, which imports the SDK. */
export type Send = <T>(
  request: (client: DynamoDBDocumentClient, sdk: Sdk, signal: AbortSignal) => Promise<T>,
) => Promise<T>

const refusals = new WeakSet<object>()

/** Whether the service refused every try of the request, for example by throttling it, so that nothing was written. */
export function isRefusal(error: unknown): boolean {
  return typeof error === 'object' && error !== null && refusals.has(error)
}

/** Records the error of a try if this try and every earlier one ended with a status from 400 to 499. */
function noteRefusals({ middlewareStack }: Pick<DynamoDBClient, 'middlewareStack'>): void {
  const mayHaveRun = new WeakSet<object>() // keyed by the context of a request, which its tries share
  middlewareStack.add(
    (next, context) => async (args) => {
      try {
        return await next(args)
      } catch (error) {
        const { httpStatusCode = 0 } = (error as { $metadata?: { httpStatusCode?: number } }).$metadata ?? {}
        if (httpStatusCode < 400 || httpStatusCode > 499) mayHaveRun.add(context)
        if (typeof error === 'object' && error !== null && !mayHaveRun.has(context)) refusals.add(error)
        throw error
      }
    },
    { step: 'finalizeRequest', priority: 'low', name: 'noteRefusals' },
  )
}

/** Imports the SDK's code, once in a process, without creating a client. */
export function importSdk(): Promise<Sdk> {
  return import('./sdk.ts')
}

/** The milliseconds that a request may take, with its tries and the pauses between them. */
export const requestDeadlineMs = ({ requestTimeoutMs = defaultTimeoutMs }: DynamoStoreOptions) => 4 * requestTimeoutMs

/** Creates the sender of a store: all requests share one client. */
export function createSend(options: DynamoStoreOptions): Send {
  const { requestTimeoutMs = defaultTimeoutMs, clock, table: _, log: __, ...target } = options
  const connect = onFirstUse(async () => {
    const sdk = await importSdk()
    const bare = new sdk.DynamoDBClient({
      ...target,
      maxAttempts: 3,
      retryMode: 'standard',
      requestHandler: httpSettings({ requestTimeoutMs, agents: createAgents({ sockets: 200, clock }) }),
    })
    resendUnsent(bare.config.requestHandler)
    noteRefusals(bare)
    await requireRegion(bare)
    const client = sdk.DynamoDBDocumentClient.from(bare, {
      marshallOptions: { removeUndefinedValues: true },
      // Without this, a number beyond 2^53 that a script wrote would fail the read of its whole page.
      unmarshallOptions: { wrapNumbers: Number },
    })
    return { client, sdk }
  })
  return async (request) => {
    const { client, sdk } = await connect().catch((cause: Error) => {
      throw new NotSentError(cause.message, { cause })
    })
    return withDeadline(requestDeadlineMs(options), (signal) => request(client, sdk, signal))
  }
}
