import type { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams'
import type { Message, SQSClient } from '@aws-sdk/client-sqs'
import { readFailedMessage } from './failed-message.ts'
import { formatCheck, formatJob, isCheck, type RedriveJob } from './jobs.ts'
import { readBatch } from './read-batch.ts'

/** The services that a redrive uses. */
export interface RedrivePorts {
  readonly sqs: SQSClient
  readonly streams: DynamoDBStreamsClient
  /** Invokes the `deliver` function. Rejects when the invocation was not accepted. */
  readonly deliver: (job: RedriveJob) => Promise<void>
  readonly log: (line: string) => void
}

export interface RedriveOptions {
  /** The queue's URL. */
  readonly queue: string
  /** Only logs what would be done, and changes nothing. @default false */
  readonly dryRun?: boolean
  /** The maximum number of messages to read. @default unlimited */
  readonly max?: number
}

/** The outcome of the messages. */
export interface RedriveCounts {
  /** Messages that were read. */
  readonly read: number
  /** Deliveries that were started (in a dry run: that would be). Several messages for the same events count once. */
  readonly deliveries: number
  /** Checks that were started, of presence and of unconfirmed connections, counted in the same way. */
  readonly checks: number
  /** Messages that were deleted after all their jobs were started. */
  readonly deleted: number
  /**
   * Messages that stay in the queue because they contain neither deliveries nor checks, or are too old to be read from
   * the stream.
   */
  readonly left: number
  /** Messages that stay in the queue because of an error. Another run may succeed. */
  readonly failed: number
}

const requestMs = 10_000
const visibilitySeconds = 300 // longer than it takes to start the deliveries of ten messages

/**
 * Replays failed deliveries from the log: invokes `deliver` for each topic and offset in an on-failure queue, and
 * deletes a message after all its deliveries were accepted. It also starts the checks. Repeating a
 * redrive is harmless: clients drop duplicates, an ordered delivery skips what it has passed, and a member that
 * returned has another lease. Rejects when the queue cannot be read.
 */
export async function redrive(ports: RedrivePorts, options: RedriveOptions): Promise<RedriveCounts> {
  const { queue, dryRun = false, max = Number.POSITIVE_INFINITY } = options
  const sdk = await import('./sdk.ts')
  const within = () => ({ abortSignal: AbortSignal.timeout(requestMs) })
  const counts = { read: 0, deliveries: 0, checks: 0, deleted: 0, left: 0, failed: 0 }
  const started = new Set<string>()
  const seen: Message[] = []

  async function start(job: RedriveJob): Promise<void> {
    const name = JSON.stringify(job)
    if (started.has(name)) return
    if (!dryRun) await ports.deliver(job)
    started.add(name)
    if (isCheck(job)) counts.checks += 1
    else counts.deliveries += 1
    const [verb, text] = isCheck(job) ? ['check', formatCheck(job)] : ['deliver', formatJob(job)]
    ports.log(`${dryRun ? `would ${verb}` : `${verb}ing`} ${text}`)
  }
  async function settle({ Body = '', MessageId, ReceiptHandle }: Message): Promise<void> {
    const found = await jobsOf(ports, Body)
    if ('left' in found) {
      counts.left += 1
      return ports.log(`left ${MessageId}: ${found.left}`)
    }
    for (const job of found.jobs) await start(job)
    if (dryRun) return
    await ports.sqs.send(new sdk.DeleteMessageCommand({ QueueUrl: queue, ReceiptHandle }), within())
    counts.deleted += 1
  }
  while (counts.read < max) {
    const request = {
      QueueUrl: queue,
      MaxNumberOfMessages: Math.min(10, max - counts.read),
      VisibilityTimeout: visibilitySeconds,
      // long polling asks all of the queue's servers, so an empty response means that the queue is empty
      WaitTimeSeconds: 1,
    }
    const { Messages: messages = [] } = await ports.sqs.send(new sdk.ReceiveMessageCommand(request), within())
    if (messages.length === 0) break
    counts.read += messages.length
    seen.push(...messages)
    for (const message of messages)
      await settle(message).catch((error: unknown) => {
        counts.failed += 1
        ports.log(`failed ${message.MessageId}: ${error instanceof Error ? error.message : String(error)}`)
      })
  }
  if (dryRun)
    for (const { ReceiptHandle } of seen) {
      const show = { QueueUrl: queue, ReceiptHandle, VisibilityTimeout: 0 }
      await ports.sqs.send(new sdk.ChangeMessageVisibilityCommand(show), within())
    }
  return counts
}

async function jobsOf(
  { streams }: RedrivePorts,
  body: string,
): Promise<{ readonly jobs: readonly RedriveJob[] } | { readonly left: string }> {
  const message = readFailedMessage(body)
  if (message.kind === 'other') return { left: message.reason }
  if (message.kind === 'delivery') return { jobs: [message.job] }
  if (message.kind === 'check') return { jobs: [message.check] }
  const jobs = await readBatch(streams, message.batch)
  if (jobs === undefined) return { left: 'its stream has deleted the records; clients have fetched the events by now' }
  return jobs.length > 0 ? { jobs } : { left: 'a batch without events of this line' }
}
