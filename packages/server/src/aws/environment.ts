import { defined, withDocs } from '@trunkline/protocol'
import type { Backend } from '../ports/backend.ts'
import type { LogEntry } from '../ports/telemetry.ts'
import { awsBackend } from './backend.ts'

/**
 * The backend that the environment describes: `<prefix>_TABLE` (required), `<prefix>_CALLBACK_URL`, `<prefix>_DELIVER`,
 * `<prefix>_WORKER`, `<prefix>_DELAY_QUEUE_URL` and `<prefix>_RESTORE`. Regions, credentials and endpoints are the AWS
 * SDK's own variables. Throws an `Error` that names a variable that is missing or invalid.
 */
export function environmentBackend(prefix: string, log?: (entry: LogEntry) => void): Backend {
  const read = (name: string) => process.env[`${prefix}_${name}`] || undefined
  const table = read('TABLE')
  if (table === undefined)
    throw new Error(
      withDocs(
        'environment',
        `No table for this line: set ${prefix}_TABLE to its name, or bind one with line.withBackend(awsBackend({ table }), …) or createLine({ backend }). Against trunkline dev: node --env-file=<the file of --env>.`,
      ),
    )
  const callbackUrl = read('CALLBACK_URL')
  const delayQueueUrl = read('DELAY_QUEUE_URL')
  return awsBackend({
    table,
    restore: restoreNumber(prefix, read('RESTORE')),
    ...defined({
      log,
      callbackUrl: callbackUrl && checkedUrl(prefix, callbackUrl),
      deliverFunction: read('DELIVER'),
      workerFunction: read('WORKER'),
      delayQueueUrl: delayQueueUrl && checkedQueue(prefix, delayQueueUrl),
    }),
  })
}

function restoreNumber(prefix: string, text: string | undefined): number {
  if (text === undefined) return 0
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new Error(
    withDocs(
      'environment',
      `Expected ${prefix}_RESTORE to be a whole number from 0, got ${JSON.stringify(text)}. Raise it by 1 after each restore of the table.`,
    ),
  )
}

function checkedUrl(prefix: string, url: string): string {
  if (/^https?:\/\//.test(url)) return url
  throw new Error(
    withDocs(
      'environment',
      `Expected ${prefix}_CALLBACK_URL to begin with https://, as in https://<api>.execute-api.<region>.amazonaws.com/<stage>, got ${JSON.stringify(url)}. Set it to the URL of the API's stage.`,
    ),
  )
}

function checkedQueue(prefix: string, url: string): string {
  if (/^https?:\/\//.test(url)) return url
  throw new Error(
    withDocs(
      'environment',
      `Expected ${prefix}_DELAY_QUEUE_URL to be the URL of an SQS queue, as in https://sqs.<region>.amazonaws.com/<account>/<name>, got ${JSON.stringify(url)}. Set it to the queue's URL.`,
    ),
  )
}
