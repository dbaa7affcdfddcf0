import { isNotFound, lambda, request } from '../context/aws.ts'
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
import { describeFunction, isGuessed } from '../context/deployed-line.ts'
import {
  deployedName,
  expectedProperties,
  expectedTemplate,
  lineFunctions,
  logicalId,
} from '../context/expected-line.ts'

const unknownFunctions = 'The functions of the line are not known. Name the stage or the stack.'
const deployAgain = 'Deploy the stack again.'

const leastTimeout = 30 // s: the least that lineTemplate takes for the one function of a line

/** Runtimes that Lambda no longer updates, and until when. */
const endedRuntimes: Readonly<Record<string, string>> = {
  'nodejs18.x': '1 September 2025',
  'nodejs20.x': '30 April 2026',
}

const functions: Check = {
  id: 'functions',
  title: 'every function is active, with its timeout and environment',
  calls: '`lambda:GetFunctionConfiguration` for each function',
  cost: 'free',
  remedy: deployAgain,
  target: 'aws',
  async run(context) {
    const names = lineFunctions(context.target)
    if (names.length === 0) return skipped(unknownFunctions)
    const findings = await Promise.all(names.map(([name, deployed]) => examine(context, name, deployed)))
    const worst = worstOf(findings.flat())
    return worst.status === 'passed'
      ? passed(`All ${names.length} functions are active and set up as in the template.`)
      : worst
  },
}

async function examine(context: CheckContext, name: string, deployed: string): Promise<readonly Finding[]> {
  let found: Awaited<ReturnType<typeof describeFunction>>
  try {
    found = await describeFunction(context, deployed)
  } catch (thrown) {
    if (isNotFound(thrown))
      return isGuessed(context.target)
        ? [skipped(`There is no function ${deployed}.`)]
        : [failed(`The function ${deployed} does not exist.`, deployAgain)]
    throw thrown
  }
  const { State, LastUpdateStatus, LastUpdateStatusReason, Timeout = 0, Runtime = '' } = found
  const expected = expectedProperties(context.target, `${logicalId(name)}LambdaFunction`)
  const wanted = name === 'handler' ? leastTimeout : Number(expected['Timeout'])
  const findings: Finding[] = [passed(name)]
  if (State !== undefined && State !== 'Active' && State !== 'Inactive')
    findings.push(failed(`The function ${name} is ${State}.`, deployAgain))
  if (LastUpdateStatus === 'Failed')
    findings.push(
      failed(`The last update of ${name} failed: ${LastUpdateStatusReason ?? 'no reason given'}.`, deployAgain),
    )
  if (Timeout < wanted)
    findings.push(failed(`The timeout of ${name} is ${Timeout} s; the template has ${wanted} s.`, deployAgain))
  const ended = endedRuntimes[Runtime]
  if (ended !== undefined)
    findings.push(
      warning(`The runtime ${Runtime} of ${name} has had no updates since ${ended}.`, 'Deploy with nodejs24.x.'),
    )
  const { Error: hidden, Variables = {} } = found.Environment ?? {}
  if (hidden !== undefined)
    findings.push(
      warning(`The environment of ${name} cannot be read: ${hidden.Message}`, 'Allow `kms:Decrypt` on its key.'),
    )
  else findings.push(...environmentFindings(context, name, Variables))
  return findings
}

/** The variables of Trunkline only: an application's own may be secrets. */
function environmentFindings(
  context: CheckContext,
  name: string,
  variables: Readonly<Record<string, string>>,
): Finding[] {
  if (name === 'authorizer') return [] // it uses neither the table nor other functions
  const { table, queues } = context.target
  const expected: Readonly<Record<string, string | undefined>> = {
    TRUNKLINE_TABLE: table,
    TRUNKLINE_DELIVER: deployedName(context.target, 'deliver'),
    TRUNKLINE_WORKER: deployedName(context.target, 'worker'),
    TRUNKLINE_DELAY_QUEUE_URL: queues.delay,
  }
  return Object.entries(expected).flatMap(([variable, value]) => {
    const is = variables[variable]
    return value === undefined || is === value
      ? []
      : failed(`${variable} of ${name} is ${is === undefined ? 'not set' : is}; expected ${value}.`, deployAgain)
  })
}

const retries: Check = {
  id: 'retries',
  title: 'asynchronous invocations are repeated and kept as in the template',
  calls: '`lambda:GetFunctionEventInvokeConfig` for `deliver` and `worker`',
  cost: 'free',
  remedy: deployAgain,
  target: 'aws',
  async run(context) {
    const { Resources } = expectedTemplate(context.target)
    const known = lineFunctions(context.target).filter(([name]) => `${logicalId(name)}LambdaEvConf` in Resources)
    if (known.length === 0) return skipped(unknownFunctions)
    const { sdk, client } = await lambda(context)
    const findings = known.map(async ([name, FunctionName]): Promise<Finding> => {
      const command = new sdk.GetFunctionEventInvokeConfigCommand({ FunctionName })
      const found = await request('lambda:GetFunctionEventInvokeConfig', () =>
        client.send(command, { abortSignal: context.signal }),
      ).catch((thrown: unknown) => {
        if (isNotFound(thrown)) return undefined
        throw thrown
      })
      return found === undefined
        ? failed(`${name} has no settings for asynchronous invocations, so that what fails is lost.`, deployAgain)
        : compareRetries(name, { ...found }, expectedProperties(context.target, `${logicalId(name)}LambdaEvConf`))
    })
    return worstOf(await Promise.all(findings))
  },
}

type Settings = Readonly<Record<string, unknown>>

function compareRetries(name: string, found: Settings, expected: Settings): Finding {
  const destination = (found['DestinationConfig'] as { OnFailure?: { Destination?: string } } | undefined)?.OnFailure
  if (destination?.Destination === undefined)
    return failed(`${name} has no on-failure destination, so that what fails at every attempt is lost.`, deployAgain)
  const different = ['MaximumRetryAttempts', 'MaximumEventAgeInSeconds'].filter(
    (each) => found[each] !== expected[each],
  )
  if (different.length === 0) return passed(`${name} is repeated as in the template.`)
  const words = different.map((each) => `${each} is ${String(found[each])}, the template has ${String(expected[each])}`)
  return warning(`${name}: ${words.join('; ')}.`, deployAgain)
}

const recursion: Check = {
  id: 'recursion',
  title: 'functions that invoke themselves may do so more than 16 times',
  calls: '`lambda:GetFunctionRecursionConfig` for `deliver`, `delayed` and `worker`',
  cost: 'free',
  remedy: '`aws lambda put-function-recursion-config --function-name <name> --recursive-loop Allow`',
  target: 'aws',
  async run(context) {
    const { target } = context
    const recursive = lineFunctions(target).filter(
      ([name]) => expectedProperties(target, `${logicalId(name)}LambdaFunction`)['RecursiveLoop'] === 'Allow',
    )
    if (recursive.length === 0) return skipped(unknownFunctions)
    const { sdk, client } = await lambda(context)
    const findings = recursive.map(async ([name, FunctionName]): Promise<Finding> => {
      const command = new sdk.GetFunctionRecursionConfigCommand({ FunctionName })
      const { RecursiveLoop } = await request('lambda:GetFunctionRecursionConfig', () =>
        client.send(command, { abortSignal: context.signal }),
      )
      return RecursiveLoop === 'Allow'
        ? passed(`${name} may invoke itself.`)
        : failed(
            `Lambda ends ${name} after it has invoked itself 16 times (${RecursiveLoop}), so that a large delivery or a long stream stops.`,
            recursion.remedy.replace('<name>', FunctionName),
          )
    })
    return worstOf(await Promise.all(findings))
  },
}

export const functionChecks: readonly Check[] = [functions, retries, recursion]
