// One file over 200 lines: the table, its stream and the mapping of the stream depend on each other.

import { dynamo, dynamoStreams, lambda, request } from '../context/aws.ts'
import {
  type Check,
  type CheckContext,
  type Finding,
  failed,
  passed,
  skipped,
  warning,
  worstOf,
} from '../context/check.ts'
import { describeTable } from '../context/deployed-line.ts'
import { deployedName, expectedProperties } from '../context/expected-line.ts'

const table: Check = {
  id: 'table',
  title: 'the table exists with the keys, TTL and backups of a line',
  calls: '`dynamodb:DescribeTable`, `dynamodb:DescribeTimeToLive`, `dynamodb:DescribeContinuousBackups`',
  cost: 'free',
  remedy: 'Deploy the stack in this region and account, or name another stage, region or profile.',
  async run(context) {
    const { TableStatus, KeySchema, BillingModeSummary } = await describeTable(context)
    const keys = (KeySchema ?? []).map(({ AttributeName, KeyType }) => `${AttributeName} ${KeyType}`).join(', ')
    const findings: Finding[] = [
      TableStatus === 'ACTIVE' || TableStatus === 'UPDATING'
        ? passed(`The table ${context.target.table} is ${TableStatus}.`)
        : failed(`The table is ${TableStatus}, not ACTIVE.`, 'Wait until it is ACTIVE, and run the doctor again.'),
      keys === 'pk HASH, sk RANGE'
        ? passed('Its keys are pk and sk.')
        : failed(
            `Expected the keys pk and sk, got ${keys || 'none'}.`,
            'Name the table of a line: set TRUNKLINE_TABLE.',
          ),
    ]
    if (context.target.kind === 'aws' && BillingModeSummary?.BillingMode !== 'PAY_PER_REQUEST')
      findings.push(
        warning(
          'The table has provisioned capacity, and a burst beyond it is refused.',
          `aws dynamodb update-table --table-name ${context.target.table} --billing-mode PAY_PER_REQUEST`,
        ),
      )
    return worstOf([...findings, await timeToLive(context), await backups(context)])
  },
}

async function timeToLive(context: CheckContext): Promise<Finding> {
  const { sdk, client } = await dynamo(context)
  const command = new sdk.DescribeTimeToLiveCommand({ TableName: context.target.table })
  const { TimeToLiveDescription } = await request('dynamodb:DescribeTimeToLive', () =>
    client.send(command, { abortSignal: context.signal }),
  )
  const { TimeToLiveStatus = 'DISABLED', AttributeName = 'no attribute' } = TimeToLiveDescription ?? {}
  if (/^ENABL/.test(TimeToLiveStatus) && AttributeName === 'expires') return passed('TTL is on for expires.')
  return failed(
    `TTL is ${TimeToLiveStatus} for ${AttributeName}, so that rows of ended connections and old events stay for good.`,
    `aws dynamodb update-time-to-live --table-name ${context.target.table} --time-to-live-specification Enabled=true,AttributeName=expires`,
  )
}

async function backups(context: CheckContext): Promise<Finding> {
  if (context.target.kind === 'local') return skipped('A local table has no backups.')
  const { sdk, client } = await dynamo(context)
  const command = new sdk.DescribeContinuousBackupsCommand({ TableName: context.target.table })
  const { ContinuousBackupsDescription } = await request('dynamodb:DescribeContinuousBackups', () =>
    client.send(command, { abortSignal: context.signal }),
  )
  const status = ContinuousBackupsDescription?.PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus
  if (status === 'ENABLED') return passed('Point-in-time recovery is on.')
  return warning(
    'Point-in-time recovery is off, so that a deleted table or a wrong script cannot be undone.',
    `aws dynamodb update-continuous-backups --table-name ${context.target.table} --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true`,
  )
}

const stream: Check = {
  id: 'stream',
  title: 'the table has a stream of new and old images',
  calls: '`dynamodb:DescribeTable`, `dynamodb:DescribeStream`',
  cost: 'free',
  remedy: 'Deploy the stack again; the stream is part of its table.',
  needs: ['table'],
  async run(context) {
    const { LatestStreamArn, StreamSpecification } = await describeTable(context)
    if (LatestStreamArn === undefined || StreamSpecification?.StreamEnabled === false)
      return failed(
        'The table has no stream, so that events of scripts and lost deliveries reach nobody.',
        stream.remedy,
      )
    const { sdk, client } = await dynamoStreams(context)
    const command = new sdk.DescribeStreamCommand({ StreamArn: LatestStreamArn })
    const { StreamDescription } = await request('dynamodb:DescribeStream', () =>
      client.send(command, { abortSignal: context.signal }),
    )
    const { StreamStatus, StreamViewType, Shards } = StreamDescription ?? {}
    if (StreamStatus !== 'ENABLED' && StreamStatus !== 'ENABLING')
      return failed(`The stream is ${StreamStatus}, not ENABLED.`, stream.remedy)
    if (StreamViewType !== 'NEW_AND_OLD_IMAGES')
      return failed(
        `The stream has ${StreamViewType}, not NEW_AND_OLD_IMAGES.`,
        'A view cannot be changed: switch the stream off, deploy again, and check that the event source mapping names the new stream.',
      )
    return passed(
      `The stream is ${StreamStatus} with NEW_AND_OLD_IMAGES and ${Shards?.length ?? 0} shards on the first page.`,
    )
  },
}

const mapping: Check = {
  id: 'event-source-mapping',
  title: 'the stream runs tableStream with the filter and the retries of the template',
  calls: '`lambda:ListEventSourceMappings`',
  cost: 'free',
  remedy: 'Deploy the stack again, or set the mapping with `aws lambda update-event-source-mapping`.',
  target: 'aws',
  needs: ['stream'],
  async run(context) {
    const name = deployedName(context.target, 'tableStream')
    if (name === undefined) return skipped('The function tableStream is not known. Name the stage or the stack.')
    const { sdk, client } = await lambda(context)
    const { LatestStreamArn } = await describeTable(context)
    const command = new sdk.ListEventSourceMappingsCommand({ FunctionName: name })
    const { EventSourceMappings = [] } = await request('lambda:ListEventSourceMappings', () =>
      client.send(command, { abortSignal: context.signal }),
    )
    const found = EventSourceMappings.find(({ EventSourceArn }) => EventSourceArn === LatestStreamArn)
    if (found === undefined)
      return failed(
        `No event source mapping leads from the table's current stream to ${name}.`,
        'Deploy the stack again. A stream that was turned off and on is another stream, with another ARN.',
      )
    const expected = expectedProperties(context.target, 'TableStreamEventSourceMappingDynamodbTable')
    return compareMapping({ ...found }, expected, found.UUID ?? '')
  },
}

const comparedSettings = [
  'BatchSize',
  'ParallelizationFactor',
  'MaximumRetryAttempts',
  'MaximumRecordAgeInSeconds',
  'BisectBatchOnFunctionError',
  'FunctionResponseTypes',
] as const

type Settings = Readonly<Record<string, unknown>>

function compareMapping(found: Settings, expected: Settings, id: string): Finding {
  const { State, LastProcessingResult } = found
  const command = `aws lambda update-event-source-mapping --uuid ${id}`
  if (State !== 'Enabled')
    return failed(`The event source mapping is ${String(State)}, not Enabled.`, `${command} --enabled`)
  const findings: Finding[] = [passed('The mapping is enabled, with the settings of the template.')]
  if (/PROBLEM|error|fail/i.test(String(LastProcessingResult ?? '')))
    findings.push(
      failed(
        `Lambda says of its last batch: ${String(LastProcessingResult)}`,
        'Read the logs of tableStream, and the checks functions and iam-tableStream.',
      ),
    )
  const patterns = patternsOf(found)
  if (patterns !== patternsOf(expected))
    findings.push(
      failed(
        `Expected the filter ${patternsOf(expected)}, got ${patterns}.`,
        `${command} --filter-criteria '${JSON.stringify(expected['FilterCriteria'])}'`,
      ),
    )
  for (const name of comparedSettings) {
    const [is, wanted] = [JSON.stringify(found[name]), JSON.stringify(expected[name])]
    if (is !== wanted) findings.push(warning(`${name} is ${is}; the template has ${wanted}.`, mapping.remedy))
  }
  if (
    (found['DestinationConfig'] as { OnFailure?: { Destination?: string } } | undefined)?.OnFailure?.Destination ===
    undefined
  )
    findings.push(failed('Batches that failed at every attempt go nowhere.', mapping.remedy))
  return worstOf(findings)
}

/** The patterns in one form: their order, and that of their members, say nothing. */
function patternsOf({ FilterCriteria }: Settings): string {
  const filters = (FilterCriteria as { Filters?: readonly { Pattern?: string }[] } | undefined)?.Filters ?? []
  return (
    filters
      .map(({ Pattern = '' }) => JSON.stringify(sorted(JSON.parse(Pattern))))
      .sort()
      .join(' or ') || 'none'
  )
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([name, each]) => [name, sorted(each)]),
  )
}

export const tableChecks: readonly Check[] = [table, stream, mapping]
