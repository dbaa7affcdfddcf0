import type { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams'
import type { Message, SQSClient } from '@aws-sdk/client-sqs'
import { type DeliverJob, formatJob } from './deliver-job.ts'
import { readFailedMessage } from './failed-message.ts'
import { isPresenceCheck, type PresenceCheck } from './presence-check.ts'
import { readBatch } from './read-batch.ts'

type Work = DeliverJob | PresenceCheck

/** What a redrive reaches. */
export interface RedrivePorts {
  readonly sqs: SQSClient
  readonly streams: DynamoDBStreamsClient
  /** Starts the `deliver` function; rejects when that was not accepted. */
  readonly deliver: (job: Work) => Promise<void>
  readonly log: (line: string) => void
}

export interface RedriveOptions {
  /** The queue's URL. */
  readonly queue: string
  /** Says what would be done, and leaves everything as it is. */
  readonly dryRun?: boolean
  /** Messages that are read at most. */
  readonly max?: number
}

/** What became of the messages. */
export interface RedriveCounts {
  /** Messages that were read. */
  readonly read: number
  /** Deliveries that were started (that would be, in a dry run): of several messages for the same events, one. */
  readonly deliveries: number
  /** Looks at who may have left, counted alike. */
  readonly checks: number
  /** Messages that were deleted, since all that they asked for was started. */
  readonly deleted: number
  /** Messages that stay: neither deliveries nor checks, or too old to be read from the stream. */
  readonly left: number
  /** Messages that stay since something failed; another run may do better. */
  readonly failed: number
}

const requestMs = 10_000
const visibilitySeconds = 300 // longer than the deliveries of ten messages take to start

/**
 * Replays failed deliveries from the log: starts `deliver` for each topic and offset in an on-failure queue, and deletes a message once all of its deliveries were
 * accepted. Looks at who may have left, too. Twice does no harm: a client drops what it has, a chain has passed it, and who came back has another lease. Rejects when the queue cannot be read.
 */
export async function redrive(ports: RedrivePorts, options: RedriveOptions): Promise<RedriveCounts> {
  const { queue, dryRun = false, max = Number.POSITIVE_INFINITY } = options
  const sdk = await import('./sdk.ts')
  const within = () => ({ abortSignal: AbortSignal.timeout(requestMs) })
  const counts = { read: 0, deliveries: 0, checks: 0, deleted: 0, left: 0, failed: 0 }
  const started = new Set<string>()
  const seen: Message[] = []

  async function start(job: Work): Promise<void> {
    const name = JSON.stringify(job)
    if (started.has(name)) return
    if (!dryRun) await ports.deliver(job)
    started.add(name)
    if (isPresenceCheck(job)) counts.checks += 1
    else counts.deliveries += 1
    ports.log(
      isPresenceCheck(job) ? sayCheck(job, dryRun) : `${dryRun ? 'would deliver' : 'delivering'} ${formatJob(job)}`,
    )
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
    const asked = {
      QueueUrl: queue,
      MaxNumberOfMessages: Math.min(10, max - counts.read),
      VisibilityTimeout: visibilitySeconds,
      WaitTimeSeconds: 1, // asks all of the queue's servers, so that an empty answer means that it is empty
    }
    const { Messages: messages = [] } = await ports.sqs.send(new sdk.ReceiveMessageCommand(asked), within())
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
): Promise<{ readonly jobs: readonly Work[] } | { readonly left: string }> {
  const message = readFailedMessage(body)
  if (message.kind === 'other') return { left: message.reason }
  if (message.kind === 'delivery') return { jobs: [message.job] }
  if (message.kind === 'check') return { jobs: [message.check] }
  const jobs = await readBatch(streams, message.batch)
  if (jobs === undefined) return { left: 'its stream has forgotten it: clients have fetched what it held' }
  return jobs.length > 0 ? { jobs } : { left: 'a batch without events of this line' }
}

function sayCheck({ presence: { topic, member } }: PresenceCheck, dryRun: boolean): string {
  return `${dryRun ? 'would look' : 'looking'} whether ${member} left ${topic}`
}
