import { createBackend } from '../stage/backend.ts'
import type { AwsService, Stage } from '../stage/stage.ts'
import { type RedriveCounts, type RedriveOptions, redrive } from './redrive.ts'

/** The command line's settings. The failures queue of the line is the default of `queue`. */
export interface RedriveSettings extends Omit<RedriveOptions, 'queue'> {
  readonly queue?: string
}

/**
 * Runs a redrive on a line, which needs the name of its `deliver`, a region and credentials. Throws an `Error` that
 * names what is missing.
 */
export async function runRedrive(
  stage: Stage,
  settings: RedriveSettings,
  log: (line: string) => void,
): Promise<RedriveCounts> {
  const queue = settings.queue ?? stage.queues.failures
  if (!queue)
    throw new Error('Expected the URL of the on-failure queue: set --queue https://sqs.… or TRUNKLINE_FAILURES.')
  if (stage.functions['deliver'] === undefined)
    throw new Error('Expected the name of the deliver function: set TRUNKLINE_DELIVER.')
  const regionOfQueue = /^https:\/\/sqs\.([a-z0-9-]+)\./.exec(queue)?.[1]
  const clientConfig = (service: AwsService) => {
    const config = stage.clientConfig(service)
    return config.region === undefined && regionOfQueue !== undefined ? { ...config, region: regionOfQueue } : config
  }
  const { invoker } = await createBackend({ ...stage, clientConfig })
  const { DynamoDBStreamsClient, SQSClient } = await import('./sdk.ts')
  const sqs = new SQSClient(clientConfig('SQS'))
  const streams = new DynamoDBStreamsClient(clientConfig('DYNAMODB_STREAMS'))
  try {
    const deliver = async (job: object) => invoker?.invoke('deliver', job)
    return await redrive({ sqs, streams, deliver, log }, { ...settings, queue })
  } finally {
    sqs.destroy()
    streams.destroy()
  }
}

/** Formats the counts as one line. */
export function formatCounts(counts: RedriveCounts, dryRun = false): string {
  const { read, deliveries, checks, deleted, left, failed } = counts
  const work = `${deliveries} deliveries and ${checks} checks`
  const done = dryRun ? `${work} would start` : `${work} started, ${deleted} deleted`
  return `${read} messages read: ${done}, ${left} left, ${failed} failed`
}
