import { withDocs } from '@trunkline/protocol'
import type { WallClock } from '../ports/clock.ts'
import type { DelayOptions } from '../ports/invoker.ts'
import { type Credentials, httpSettings, onFirstUse, requireRegion } from '../sdk/client-settings.ts'
import { createAgents, resendUnsent } from '../sdk/keep-alive.ts'
import { withDeadline } from '../sdk/request-deadline.ts'

/** The queue that delays invocations, and how to connect to it. */
export interface QueueInvokerOptions {
  /** The URL of an SQS queue that is mapped to the `deliver` function. Without it, every call throws. */
  readonly queueUrl?: string
  /** @default the SDK's own search, which begins with AWS_REGION */
  readonly region?: string
  /** The URL of a local line. @default the region's endpoint */
  readonly endpoint?: string
  /** @default the SDK's own search */
  readonly credentials?: Credentials
  /** Sockets that were idle for more than 2 s by this clock are not reused. @default the machine's clock */
  readonly clock?: WallClock
}

const tryTimeoutMs = 2_000 // a message is accepted in about 20 ms
const deadlineMs = 8_000 // three tries and the pauses between them
const longestDelayMs = 900_000 // 15 minutes, the limit of SQS

/**
 * Starts the `deliver` function after a delay, by a delayed message of the queue. The SDK is imported with the first
 * one. The returned function throws an `Error` without a queue, and a `RangeError` for a delay that is out of range.
 */
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
  return async (payload: unknown, { delayMs, signal }: DelayOptions): Promise<void> => {
    if (QueueUrl === undefined)
      throw new Error(
        withDocs(
          'environment',
          'No queue to delay an invocation: set TRUNKLINE_DELAY_QUEUE_URL to the URL of an SQS queue.',
        ),
      )
    if (!(delayMs >= 0 && delayMs <= longestDelayMs))
      throw new RangeError(
        withDocs(
          'environment',
          `Expected a delay from 0 to ${longestDelayMs} ms, got ${delayMs}. Choose a delay of this range.`,
        ),
      )
    const { client, sdk } = await connect()
    const command = new sdk.SendMessageCommand({
      QueueUrl,
      MessageBody: JSON.stringify(payload),
      DelaySeconds: Math.ceil(delayMs / 1_000),
    })
    await withDeadline(deadlineMs, (abortSignal) => client.send(command, { abortSignal }), signal)
  }
}
