import { defined } from '@trunkline/protocol'
import { awsBackend } from '@trunkline/server/aws'
import { type RedriveCounts, type RedriveOptions, redrive } from './redrive.ts'

/** The command line's settings. `TRUNKLINE_FAILURES` is the default of `queue`. */
export interface RedriveSettings extends Omit<RedriveOptions, 'queue'> {
  readonly queue?: string
}

/**
 * Runs a redrive with the environment's settings: `TRUNKLINE_DELIVER`, and region and credentials as the AWS SDK finds
 * them. Throws an `Error` that names the missing setting.
 */
export async function runRedrive(
  settings: RedriveSettings,
  log: (line: string) => void,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<RedriveCounts> {
  const queue = settings.queue ?? env['TRUNKLINE_FAILURES']
  if (!queue)
    throw new Error('Expected the URL of the on-failure queue: set --queue https://sqs.… or TRUNKLINE_FAILURES.')
  const deliverFunction = env['TRUNKLINE_DELIVER']
  if (!deliverFunction) throw new Error('Expected the name of the deliver function: set TRUNKLINE_DELIVER.')
  const region = env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'] ?? regionOf(queue)
  const target = defined({ region })
  const { invoker } = awsBackend({ table: env['TRUNKLINE_TABLE'] ?? '', deliverFunction, ...target })
  const { DynamoDBStreamsClient, SQSClient } = await import('./sdk.ts')
  const [sqs, streams] = [new SQSClient(target), new DynamoDBStreamsClient(target)]
  try {
    const deliver = async (job: object) => invoker?.invoke('deliver', job)
    return await redrive({ sqs, streams, deliver, log }, { ...settings, queue })
  } finally {
    sqs.destroy()
    streams.destroy()
  }
}

function regionOf(queue: string): string | undefined {
  return /^https:\/\/sqs\.([a-z0-9-]+)\./.exec(queue)?.[1]
}

/** Formats the counts as one line. */
export function formatCounts(counts: RedriveCounts, dryRun = false): string {
  const { read, deliveries, checks, deleted, left, failed } = counts
  const work = `${deliveries} deliveries and ${checks} checks`
  const done = dryRun ? `${work} would start` : `${work} started, ${deleted} deleted`
  return `${read} messages read: ${done}, ${left} left, ${failed} failed`
}
