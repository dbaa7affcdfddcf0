import type { CloudFormationClient, Stack, StackResourceSummary } from '@aws-sdk/client-cloudformation'
import { defined } from '@trunkline/protocol'
import { createBackend } from './backend.ts'
import { toLogGroups } from './environment-stage.ts'
import type { AwsService, ClientConfig, Environment, Stage, StageOptions } from './stage.ts'

type Sdk = typeof import('./cloudformation-sdk.ts')

/** A stack that is being deleted, or was never made, has no line. */
const goneStatus = /^DELETE_|^REVIEW_IN_PROGRESS$/

/**
 * Finds the line of a stack, by `stack`, by `service` and `stage`, or by `stage` alone where one service has a line of
 * that stage. Needs the rights cloudformation:DescribeStacks and cloudformation:ListStackResources.
 *
 * @throws Error with the remedy: no such stack, several of them, no credentials, no region, no rights
 */
export async function findStack(options: StageOptions, env: Environment): Promise<Stage> {
  const sdk = await import('./cloudformation-sdk.ts')
  const region = options.region ?? env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION']
  const common: ClientConfig = defined({ region, profile: options.profile })
  const client = new sdk.CloudFormationClient({ ...common, maxAttempts: 3 })
  try {
    const stack = await findLineStack(sdk, client, options)
    const resources = await listResources(sdk, client, stack.StackName ?? '')
    return toStage({ stack, resources, common: { ...common, region: await client.config.region() } })
  } catch (error) {
    throw withRemedy(error, options)
  } finally {
    client.destroy()
  }
}

async function findLineStack(
  sdk: Sdk,
  client: CloudFormationClient,
  { stack, service, stage }: StageOptions,
): Promise<Stack> {
  const name = stack ?? (service === undefined ? undefined : `${service}-${stage}`)
  if (name !== undefined) {
    const found = await describeStack(sdk, client, name)
    if (found === undefined) throw new Error(`There is no stack ${name} in ${await client.config.region()}.`)
    if (!isLine(found))
      throw new Error(`The stack ${name} has no line of Trunkline: it has no outputs TableName and WebSocketUrl.`)
    return found
  }
  const lines: Stack[] = []
  for await (const { Stacks = [] } of sdk.paginateDescribeStacks({ client }, {})) lines.push(...Stacks.filter(isLine))
  const ofStage = lines.filter(({ StackName = '' }) => StackName.endsWith(`-${stage}`))
  const [only] = ofStage
  if (only !== undefined && ofStage.length === 1) return only
  const where = `in ${await client.config.region()}`
  const names = (found: readonly Stack[]) => found.map(({ StackName }) => StackName).join(', ')
  if (ofStage.length > 1)
    throw new Error(`Expected one line of the stage ${stage} ${where}, got ${names(ofStage)}. Name one with --service.`)
  throw new Error(
    lines.length === 0
      ? `There is no line of Trunkline ${where}. Name another --region or --profile, or deploy one.`
      : `There is no line of the stage ${stage} ${where}; its lines are ${names(lines)}. Name another --stage or --stack.`,
  )
}

/** Undefined for a stack that does not exist. */
async function describeStack(sdk: Sdk, client: CloudFormationClient, name: string): Promise<Stack | undefined> {
  try {
    const { Stacks = [] } = await client.send(new sdk.DescribeStacksCommand({ StackName: name }))
    return Stacks[0]
  } catch (error) {
    if (error instanceof Error && error.name === 'ValidationError' && /does not exist/.test(error.message))
      return undefined
    throw error
  }
}

/** A line is known by its outputs. `@trunkline/serverless` names the address as osls does. */
function isLine({ Outputs = [], StackStatus }: Stack): boolean {
  const names = Outputs.map(({ OutputKey }) => OutputKey)
  const hasAddress = names.includes('WebSocketUrl') || names.includes('ServiceEndpointWebsocket')
  return names.includes('TableName') && hasAddress && !goneStatus.test(StackStatus ?? '')
}

type Resources = Stage['resources']

async function listResources(sdk: Sdk, client: CloudFormationClient, StackName: string): Promise<Resources> {
  const found: StackResourceSummary[] = []
  for await (const { StackResourceSummaries = [] } of sdk.paginateListStackResources({ client }, { StackName }))
    found.push(...StackResourceSummaries)
  return Object.fromEntries(
    found.flatMap(({ LogicalResourceId: name, PhysicalResourceId: id, ResourceType: type, ResourceStatus = '' }) =>
      name === undefined || id === undefined || type === undefined || ResourceStatus.startsWith('DELETE_')
        ? []
        : [[name, { type, id }]],
    ),
  )
}

interface Found {
  readonly stack: Stack
  readonly resources: Resources
  readonly common: ClientConfig
}

function toStage({ stack, resources, common }: Found): Stage {
  const outputs = Object.fromEntries(
    (stack.Outputs ?? []).map((each) => [each.OutputKey ?? '', each.OutputValue ?? '']),
  )
  const idOf = (name: string, type: string) => (resources[name]?.type === type ? resources[name].id : undefined)
  const webSocketUrl = outputs['WebSocketUrl'] ?? outputs['ServiceEndpointWebsocket'] ?? ''
  const functions = functionsIn(resources)
  const found: Omit<Stage, 'backend'> = {
    name: stack.StackName ?? '',
    kind: 'aws',
    table: outputs['TableName'] ?? '',
    webSocketUrl,
    callbackUrl:
      outputs['CallbackUrl'] ?? callbackUrlOf(resources, common.region) ?? webSocketUrl.replace(/^ws/, 'http'),
    functions,
    queues: defined({
      delay: idOf('Later', 'AWS::SQS::Queue'),
      failures: outputs['DeadLettersUrl'] ?? idOf('DeadLetters', 'AWS::SQS::Queue'),
    }),
    logGroups: { ...toLogGroups(functions), ...logGroupsIn(resources) },
    outputs,
    resources,
    clientConfig: (_service: AwsService) => common,
    ...defined({ region: common.region, httpUrl: outputs['HttpApiUrl'] ?? outputs['HttpFunctionUrl'] }),
  }
  const restore = stack.Parameters?.find(({ ParameterKey }) => ParameterKey === 'RestoreNumber')?.ParameterValue
  return { ...found, backend: () => createBackend(found, restore) }
}

/** `WebsocketLambdaFunction` → `websocket` */
function functionsIn(resources: Resources): Readonly<Record<string, string>> {
  return named(resources, 'AWS::Lambda::Function', 'LambdaFunction')
}

function logGroupsIn(resources: Resources): Readonly<Record<string, string>> {
  return named(resources, 'AWS::Logs::LogGroup', 'LogGroup')
}

/** The resources of a type by their logical ids without this ending, in lower camel case. */
function named(resources: Resources, type: string, ending: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(resources).flatMap(([logical, resource]) => {
      const short = logical.endsWith(ending) ? logical.slice(0, -ending.length) : logical
      return resource.type === type ? [[`${short.charAt(0).toLowerCase()}${short.slice(1)}`, resource.id]] : []
    }),
  )
}

/** The default endpoint of the API, which takes callbacks whatever domain the clients use. */
function callbackUrlOf(resources: Resources, region: string | undefined): string | undefined {
  const api = resources['WebsocketsApi']?.id
  const stage = resources['WebsocketsDeploymentStage']?.id
  if (api === undefined || stage === undefined || region === undefined) return undefined
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
  return `https://${api}.execute-api.${region}.${suffix}/${stage}`
}

/** The error of the SDK with what to do about it. */
function withRemedy(error: unknown, { profile }: StageOptions): unknown {
  if (!(error instanceof Error)) return error
  const isDenied = /^(AccessDenied|UnauthorizedOperation)/.test(error.name)
  const rights = 'The command needs cloudformation:DescribeStacks and cloudformation:ListStackResources.'
  const remedy = isDenied ? rights : remedyOf(error, profile)
  return remedy === undefined ? error : new Error(`${error.message.replace(/\.?$/, '.')} ${remedy}`, { cause: error })
}

/** What to do about an error of the SDK that any of its clients may throw. Undefined for another error. */
export function remedyOf({ name, message }: Error, profile?: string): string | undefined {
  if (/^Region is missing\.?$/i.test(message)) return 'Set --region or AWS_REGION.'
  if (/^(CredentialsProviderError|TokenProviderError)$/.test(name))
    return `Set ${profile === undefined ? '--profile, or sign in with aws configure or aws sso login' : `up the profile ${profile}, or sign in with aws sso login --profile ${profile}`}.`
  return /^ExpiredToken/.test(name) ? 'Sign in again, such as with aws sso login.' : undefined
}
