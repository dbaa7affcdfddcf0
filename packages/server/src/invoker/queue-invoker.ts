import { createAgents, resendUnsent } from '../http/keep-alive.ts'
import { withDeadline } from '../ports/deadline.ts'
import type { LaterOptions } from '../ports/invoker.ts'
import { type Credentials, httpSettings, onFirstUse, requireRegion, type WallClock } from '../ports/sdk-client.ts'

/** The queue that delays invocations, and how it is reached. */
export interface QueueInvokerOptions {
  /** URL of an SQS queue that is mapped to the `deliver` function. */
  readonly queueUrl?: string
  /** @default what the SDK finds, AWS_REGION first */
  readonly region?: string
  /** Another endpoint than the region's, for a local line. */
  readonly endpoint?: string
  readonly credentials?: Credentials
  /** By which sockets that were idle for more than 2 s are not used again. @default the machine's */
  readonly clock?: WallClock
}

const tryTimeoutMs = 2_000 // a message is taken in some 20 ms
const deadlineMs = 8_000 // three tries and the pauses between them
const longestDelayMs = 900_000 // SQS's own

/** Starts the `deliver` function later, by a message that the queue holds back. The SDK is imported with the first one. */
export function createQueueInvoker({ queueUrl: QueueUrl, clock, ...target }: QueueInvokerOptions) {
  const connect = onFirstUse(async () => {
    const sdk = await import('./queue-sdk.ts')
    const client = new sdk.SQSClient({
      ...target,
      maxAttempts: 3,
      retryMode: 'standard',
      requestHandler: httpSettings({ requestTimeoutMs: tryTimeoutMs, agents: createAgents({ sockets: 50, clock }) }),
    })
    resendUnsent(client.config.requestHandler)
    await requireRegion(client)
    return { client, sdk }
  })
  return async (payload: unknown, { delayMs, signal }: LaterOptions): Promise<void> => {
    if (QueueUrl === undefined)
      throw new Error(
        'No queue is named that delays an invocation: set TRUNKLINE_DELAY_QUEUE_URL to the URL of an SQS queue.',
      )
    if (!(delayMs >= 0 && delayMs <= longestDelayMs))
      throw new RangeError(`Expected a delay from 0 to ${longestDelayMs} ms, got ${delayMs}.`)
    const { client, sdk } = await connect()
    const command = new sdk.SendMessageCommand({
      QueueUrl,
      MessageBody: JSON.stringify(payload),
      DelaySeconds: Math.ceil(delayMs / 1_000),
    })
    await withDeadline(deadlineMs, (abortSignal) => client.send(command, { abortSignal }), signal)
  }
}
