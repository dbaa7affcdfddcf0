import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { createAgents, resendUnsent } from '../../http/keep-alive.ts'
import { withDeadline } from '../../ports/deadline.ts'
import { httpSettings, onFirstUse, requireRegion } from '../../ports/sdk-client.ts'
import type { DynamoStoreOptions } from './options.ts'

const defaultTimeoutMs = 1_000 // 1 s for one try

/** The request could not even be made: no SDK, no region. */
export class NotSentError extends Error {
  override readonly name = 'NotSentError'
}

type Sdk = typeof import('./sdk.ts')

/** Runs one request of the document client, which is made at the first one: importing the store costs no SDK. */
export type Send = <T>(
  request: (client: DynamoDBDocumentClient, sdk: Sdk, signal: AbortSignal) => Promise<T>,
) => Promise<T>

const refusals = new WeakSet<object>()

/**
 * Whether every try of the request was refused by the service, as a throttled one is, so that none of them did
 * anything.
 */
export function isRefusal(error: unknown): boolean {
  return typeof error === 'object' && error !== null && refusals.has(error)
}

/** Notes the error of a try when it, and every try before it, was answered with a status from 400 to 499. */
function noteRefusals({ middlewareStack }: Pick<DynamoDBClient, 'middlewareStack'>): void {
  const unsure = new WeakSet<object>() // by the context of a request, which its tries share
  middlewareStack.add(
    (next, context) => async (args) => {
      try {
        return await next(args)
      } catch (error) {
        const { httpStatusCode = 0 } = (error as { $metadata?: { httpStatusCode?: number } }).$metadata ?? {}
        if (httpStatusCode < 400 || httpStatusCode > 499) unsure.add(context)
        if (typeof error === 'object' && error !== null && !unsure.has(context)) refusals.add(error)
        throw error
      }
    },
    { step: 'finalizeRequest', priority: 'low', name: 'noteRefusals' },
  )
}

/** Reads the SDK's code, once in a process; nothing is made of it. */
export function importSdk(): Promise<Sdk> {
  return import('./sdk.ts')
}

/** How long a request may take with its tries and the pauses between them. */
export const requestDeadlineMs = ({ requestTimeoutMs = defaultTimeoutMs }: DynamoStoreOptions) => 4 * requestTimeoutMs

/** The one client of a store. */
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
      // A number beyond 2^53, which a script may have written, would otherwise fail the read of its whole page.
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
