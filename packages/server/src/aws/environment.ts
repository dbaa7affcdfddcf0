import type { LineBinding } from '../ports/binding.ts'
import type { LogEntry } from '../ports/telemetry.ts'
import { awsBinding } from './index.ts'

/**
 * The binding that the environment describes, read now: `<prefix>_TABLE` (needed), `<prefix>_CALLBACK_URL`, `<prefix>_DELIVER`, `<prefix>_WORKER`, `<prefix>_LATER`, `<prefix>_RESTORE`.
 * Regions, credentials and endpoints are the AWS SDK's own variables. Throws an `Error` that names what is missing.
 */
export function environmentBinding(prefix: string, log?: (entry: LogEntry) => void): LineBinding {
  const read = (name: string) => process.env[`${prefix}_${name}`] || undefined
  const table = read('TABLE')
  if (table === undefined)
    throw new Error(
      `No table for this line: set ${prefix}_TABLE to its name, or bind one with line.run(awsBinding({ table }), …) or createLine({ binding }). Against trunkline dev: node --env-file=<the file of --env>.`,
    )
  const callbackUrl = read('CALLBACK_URL')
  const deliverFunction = read('DELIVER')
  const workerFunction = read('WORKER')
  const laterQueueUrl = read('LATER')
  return awsBinding({
    table,
    ...(log === undefined ? {} : { log }),
    restore: restoreNumber(prefix, read('RESTORE')),
    ...(callbackUrl === undefined ? {} : { callbackUrl: checkedUrl(prefix, callbackUrl) }),
    ...(deliverFunction === undefined ? {} : { deliverFunction }),
    ...(workerFunction === undefined ? {} : { workerFunction }),
    ...(laterQueueUrl === undefined ? {} : { laterQueueUrl: checkedQueue(prefix, laterQueueUrl) }),
  })
}

function restoreNumber(prefix: string, text: string | undefined): number {
  if (text === undefined) return 0
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new Error(`Expected ${prefix}_RESTORE to be a whole number from 0, got ${JSON.stringify(text)}.`)
}

function checkedUrl(prefix: string, url: string): string {
  if (/^https?:\/\//.test(url)) return url
  throw new Error(
    `Expected ${prefix}_CALLBACK_URL to begin with https://, as in https://<api>.execute-api.<region>.amazonaws.com/<stage>, got ${JSON.stringify(url)}.`,
  )
}

function checkedQueue(prefix: string, url: string): string {
  if (/^https?:\/\//.test(url)) return url
  throw new Error(
    `Expected ${prefix}_LATER to be the URL of an SQS queue, as in https://sqs.<region>.amazonaws.com/<account>/<name>, got ${JSON.stringify(url)}.`,
  )
}
