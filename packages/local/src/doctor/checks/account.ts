import { cloudWatch, dynamo, lambda, request, sts } from '../context/aws.ts'
import { type Check, type CheckContext, failed, passed, skipped, warning, worstOf } from '../context/check.ts'
import { lineFunctions } from '../context/expected-line.ts'
import { hello, openSocket } from '../context/probe-socket.ts'

const signatureMs = 300_000 // AWS refuses a signature that is 5 minutes off
const noticeableMs = 30_000
const fewConcurrent = 100 // a new account has as few as 10, and at least 100 must stay unreserved

const credentials: Check = {
  id: 'credentials',
  title: 'AWS accepts your credentials',
  calls: '`sts:GetCallerIdentity`',
  cost: 'free',
  remedy: 'Sign in (`aws sso login`), or set `AWS_PROFILE`, or `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.',
  target: 'aws',
  async run(context) {
    const { sdk, client } = await sts(context)
    const { Account, Arn } = await client.send(new sdk.GetCallerIdentityCommand({}), { abortSignal: context.signal })
    return passed(`You are ${Arn} in the account ${Account}.`)
  },
}

const clock: Check = {
  id: 'clock',
  title: 'the clocks of this machine, of AWS and of the functions agree',
  calls: '`dynamodb:DescribeTable`, a connect and `hello`',
  cost: 'one connection, two runs of functions',
  remedy: 'Set the clock of this machine by NTP.',
  async run(context) {
    const skews = [await awsSkew(context), await functionSkew(context)].filter((skew) => skew !== undefined)
    return worstOf(skews.map(toFinding))
  },
}

interface Skew {
  readonly of: string
  readonly ms: number
}

function toFinding({ of, ms }: Skew) {
  const words = `The clock of ${of} is ${Math.abs(Math.round(ms / 1_000))} s ${ms < 0 ? 'behind' : 'ahead of'} that of this machine.`
  const remedy = `${clock.remedy} AWS refuses signatures that are 5 minutes off, and tokens and keys expire by these clocks.`
  if (Math.abs(ms) >= signatureMs) return failed(words, remedy)
  return Math.abs(ms) >= noticeableMs ? warning(words, remedy) : passed(words)
}

/** By the header `Date` of an answer, which is in whole seconds. */
async function awsSkew(context: CheckContext): Promise<Skew | undefined> {
  const sdk = (await dynamo(context)).sdk
  const client = new sdk.DynamoDBClient(context.target.clientConfig('DYNAMODB'))
  let date: string | undefined
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args)
      date = (result.response as { readonly headers?: Readonly<Record<string, string>> }).headers?.['date']
      return result
    },
    { step: 'deserialize' },
  )
  const command = new sdk.DescribeTableCommand({ TableName: context.target.table })
  await request('dynamodb:DescribeTable', () => client.send(command, { abortSignal: context.signal }))
  client.destroy()
  return date === undefined ? undefined : { of: 'AWS', ms: Date.parse(date) + 500 - Date.now() }
}

/** By the time in the answer to `hello`. Undefined where no socket opens, which other checks report. */
async function functionSkew(context: CheckContext): Promise<Skew | undefined> {
  // the clock of a local line is often moved by its tests
  if (context.target.webSocketUrl === undefined || context.target.kind === 'local') return undefined
  const handshake = await openSocket(context).catch(() => undefined)
  if (handshake?.status !== 'open') return undefined
  const began = Date.now()
  const { time } = await hello(handshake.socket)
  return time === undefined ? undefined : { of: 'the functions', ms: time - (began + Date.now()) / 2 }
}

const concurrency: Check = {
  id: 'concurrency',
  title: 'the account runs enough functions at the same time',
  calls: '`lambda:GetAccountSettings`, `lambda:GetFunctionConcurrency`',
  cost: 'free',
  remedy: 'Ask for a higher quota: Service Quotas, AWS Lambda, "Concurrent executions" (L-B99A9384).',
  target: 'aws',
  async run(context) {
    const { sdk, client } = await lambda(context)
    const command = new sdk.GetAccountSettingsCommand({})
    const { AccountLimit } = await request('lambda:GetAccountSettings', () =>
      client.send(command, { abortSignal: context.signal }),
    )
    const { ConcurrentExecutions: all = 0, UnreservedConcurrentExecutions: free = 0 } = AccountLimit ?? {}
    const words = `The account runs ${all} functions at the same time, ${free} of them without a reservation.`
    const ofAccount =
      all < fewConcurrent || free < fewConcurrent
        ? warning(`${words} Frames beyond that are refused.`, `${concurrency.remedy} It is often granted within a day.`)
        : passed(words)
    return worstOf([ofAccount, ...(await reservations(context))])
  },
}

async function reservations(context: CheckContext) {
  const { sdk, client } = await lambda(context)
  const reserved = await Promise.all(
    lineFunctions(context.target).map(async ([name, FunctionName]) => {
      const command = new sdk.GetFunctionConcurrencyCommand({ FunctionName })
      const { ReservedConcurrentExecutions: count } = await request('lambda:GetFunctionConcurrency', () =>
        client.send(command, { abortSignal: context.signal }),
      )
      return { name, FunctionName, count }
    }),
  )
  return reserved.flatMap(({ name, FunctionName, count }) =>
    count === 0
      ? failed(
          `The function ${name} has a reserved concurrency of 0, so it never runs.`,
          `aws lambda delete-function-concurrency --function-name ${FunctionName}`,
        )
      : [],
  )
}

const throttles: Check = {
  id: 'throttles',
  title: 'no function was throttled in the last hour',
  calls: '`cloudwatch:GetMetricData`',
  cost: '$0.00001 for each function',
  remedy: 'Raise the concurrency of the account, or that reserved for the function.',
  target: 'aws',
  async run(context) {
    const names = lineFunctions(context.target)
    if (names.length === 0) return skipped('The functions of the line are not known. Name the stage or the stack.')
    const { sdk, client } = await cloudWatch(context)
    const command = new sdk.GetMetricDataCommand({
      StartTime: new Date(Date.now() - 3_600_000),
      EndTime: new Date(),
      MetricDataQueries: names.map(([, name], index) => ({
        Id: `f${index}`,
        MetricStat: {
          Metric: {
            Namespace: 'AWS/Lambda',
            MetricName: 'Throttles',
            Dimensions: [{ Name: 'FunctionName', Value: name }],
          },
          Period: 3_600,
          Stat: 'Sum',
        },
      })),
    })
    const { MetricDataResults = [] } = await request('cloudwatch:GetMetricData', () =>
      client.send(command, { abortSignal: context.signal }),
    )
    const counts = names.flatMap(([name], index) => {
      const values = MetricDataResults.find(({ Id }) => Id === `f${index}`)?.Values ?? []
      const sum = values.reduce((total, value) => total + value, 0)
      return sum > 0 ? [`${name} ${sum} times`] : []
    })
    return counts.length === 0
      ? passed('Lambda throttled no function of the line.')
      : warning(`Lambda throttled ${counts.join(', ')}.`, throttles.remedy)
  },
}

export const accountChecks: readonly Check[] = [credentials, clock, concurrency, throttles]
