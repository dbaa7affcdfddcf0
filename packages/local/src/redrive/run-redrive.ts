import { awsBackend } from '@trunkline/server/aws'
import { type RedriveCounts, type RedriveOptions, redrive } from './redrive.ts'

/** What the command line says; the queue may stand in `TRUNKLINE_FAILURES`. */
export interface RedriveSettings extends Omit<RedriveOptions, 'queue'> {
  readonly queue?: string
}

/** Redrives by the environment: `TRUNKLINE_DELIVER`, and region and credentials as the AWS SDK finds them. Throws an `Error` that names what is missing. */
export async function runRedrive(
  settings: RedriveSettings,
  log: (line: string) => void,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<RedriveCounts> {
  const queue = settings.queue ?? env['TRUNKLINE_FAILURES']
  if (!queue) throw new Error('Expected the on-failure queue: --queue https://sqs.… or TRUNKLINE_FAILURES.')
  const deliverFunction = env['TRUNKLINE_DELIVER']
  if (!deliverFunction) throw new Error('Expected the deliver function’s name in TRUNKLINE_DELIVER.')
  const region = env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'] ?? regionOf(queue)
  const target = region === undefined ? {} : { region }
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

/** One line for people. */
export function formatCounts(counts: RedriveCounts, dryRun = false): string {
  const { read, deliveries, checks, deleted, left, failed } = counts
  const work = `${deliveries} deliveries and ${checks} checks of presence`
  const done = dryRun ? `${work} would start` : `${work} started, ${deleted} deleted`
  return `${read} messages read: ${done}, ${left} left, ${failed} failed`
}
