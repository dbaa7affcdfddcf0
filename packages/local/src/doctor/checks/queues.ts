import { isNotFound, lambda, request, sqs } from '../context/aws.ts'
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
import { describeFunction } from '../context/deployed-line.ts'
import { deployedName, expectedProperties } from '../context/expected-line.ts'

const deployAgain = 'Deploy the stack again.'
const longestDelay = 900 // s: SQS delays no message for longer
const visibilityFactor = 6 // AWS advises to hide a message for six times the consumer's timeout

type Attributes = Readonly<Record<string, string | undefined>>

const delayQueue: Check = {
  id: 'delay-queue',
  title: 'the delay queue hides messages long enough and passes on what fails',
  calls: '`sqs:GetQueueAttributes`, `lambda:ListEventSourceMappings`, `lambda:GetFunctionConfiguration`',
  cost: 'one SQS request',
  remedy: deployAgain,
  async run(context) {
    const url = context.target.queues.delay
    if (url === undefined) return skipped('The delay queue is not known. Name the stage or the stack.')
    const attributes = await attributesOf(context, url)
    if (attributes === undefined) return failed(`The queue ${url} does not exist.`, deployAgain)
    if (context.target.kind === 'local') return passed('The delay queue answers.')
    return worstOf([
      ...(await visibilityFindings(context, attributes)),
      ...redriveFindings(context, attributes),
      await mappingFinding(context, attributes['QueueArn']),
    ])
  },
}

async function attributesOf(context: CheckContext, QueueUrl: string): Promise<Attributes | undefined> {
  const { sdk, client } = await sqs(context)
  const command = new sdk.GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] })
  try {
    const { Attributes = {} } = await request('sqs:GetQueueAttributes', () =>
      client.send(command, { abortSignal: context.signal }),
    )
    return Attributes
  } catch (thrown) {
    if (isNotFound(thrown)) return undefined
    throw thrown
  }
}

async function visibilityFindings(context: CheckContext, attributes: Attributes): Promise<readonly Finding[]> {
  const name = deployedName(context.target, 'delayed')
  const { Timeout = 30 } = name === undefined ? {} : await describeFunction(context, name)
  const hidden = Number(attributes['VisibilityTimeout'])
  return hidden >= visibilityFactor * Timeout
    ? [passed(`It hides messages for ${hidden} s.`)]
    : [
        failed(
          `It hides messages for ${hidden} s, less than six times the timeout of delayed (${Timeout} s), so that they run twice.`,
          deployAgain,
        ),
      ]
}

function redriveFindings(context: CheckContext, attributes: Attributes): Finding[] {
  const expected = expectedProperties(context.target, 'Later')['RedrivePolicy'] as { readonly maxReceiveCount: number }
  const redrive = JSON.parse(attributes['RedrivePolicy'] ?? '{}') as Readonly<Record<string, unknown>>
  if (redrive['deadLetterTargetArn'] === undefined)
    return [failed('Messages that fail again and again go to no other queue.', deployAgain)]
  const receives = Number(redrive['maxReceiveCount'])
  const findings: Finding[] = []
  if (receives < expected.maxReceiveCount)
    findings.push(
      warning(
        `A message is given up after ${receives} receives; the template has ${expected.maxReceiveCount}.`,
        deployAgain,
      ),
    )
  const [kept, hidden] = [Number(attributes['MessageRetentionPeriod']), Number(attributes['VisibilityTimeout'])]
  const needed = longestDelay + receives * hidden
  if (kept < needed)
    findings.push(
      warning(
        `Messages are kept for ${kept} s; the longest delay and ${receives} receives take ${needed} s.`,
        deployAgain,
      ),
    )
  return findings
}

async function mappingFinding(context: CheckContext, arn: string | undefined): Promise<Finding> {
  const FunctionName = deployedName(context.target, 'delayed')
  if (FunctionName === undefined) return skipped('The function delayed is not known.')
  const { sdk, client } = await lambda(context)
  const command = new sdk.ListEventSourceMappingsCommand({ FunctionName })
  const { EventSourceMappings = [] } = await request('lambda:ListEventSourceMappings', () =>
    client.send(command, { abortSignal: context.signal }),
  )
  const found = EventSourceMappings.find(({ EventSourceArn }) => EventSourceArn === arn)
  if (found === undefined)
    return failed(`No event source mapping leads from the delay queue to ${FunctionName}.`, deployAgain)
  if (found.State !== 'Enabled')
    return failed(
      `The event source mapping of the delay queue is ${found.State}.`,
      `aws lambda update-event-source-mapping --uuid ${found.UUID} --enabled`,
    )
  if (!(found.FunctionResponseTypes ?? []).includes('ReportBatchItemFailures'))
    return failed(
      'The mapping of the delay queue reports no single failures, so that a whole batch is repeated.',
      deployAgain,
    )
  return passed(`${FunctionName} consumes it.`)
}

const failures: Check = {
  id: 'failures-queue',
  title: 'the on-failure queue exists, keeps messages and is empty',
  calls: '`sqs:GetQueueAttributes`',
  cost: 'one SQS request',
  remedy: '`npx trunkline redrive --dry-run` shows what failed; without `--dry-run` it is repeated.',
  async run(context) {
    const url = context.target.queues.failures
    if (url === undefined) return skipped('The on-failure queue is not known. Name the stage or the stack.')
    const attributes = await attributesOf(context, url)
    if (attributes === undefined) return failed(`The queue ${url} does not exist.`, deployAgain)
    const waiting = Number(attributes['ApproximateNumberOfMessages'] ?? 0)
    const days = Number(attributes['MessageRetentionPeriod'] ?? 1_209_600) / 86_400
    const findings = [
      waiting === 0
        ? passed('The on-failure queue is empty.')
        : warning(`${waiting} invocations failed at every attempt and wait in the on-failure queue.`, failures.remedy),
    ]
    if (days < 14) findings.push(warning(`It keeps messages for ${days} days; the template has 14.`, deployAgain))
    return worstOf(findings)
  },
}

export const queueChecks: readonly Check[] = [delayQueue, failures]
