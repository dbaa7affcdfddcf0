import { attribute, join, ref, when } from '../template/intrinsics.ts'
import {
  type Duty,
  type FunctionName,
  functionName,
  functionsOf,
  handlerOf,
  lineName,
  nameFor,
} from '../template/names.ts'
import type { Settings } from '../template/options.ts'
import type { Resource, Resources } from '../template/template.ts'
import { callbackUrl, siteOrigin } from './addresses.ts'

/** Timeouts in seconds. The gateway waits 29 s for a frame, and an HTTP API 30 s for a request. */
const timeouts: Readonly<Record<Duty, number>> = {
  authorizer: 5,
  websocket: 28,
  tableStream: 60,
  deliver: 300,
  delayed: 30,
  worker: 900,
  http: 29,
}

const streamTimeout = 60 // s: a reader gets events for up to 55 s

/** Functions that invoke themselves more than the 16 times after which Lambda ends a chain. */
const recursive = new Set<Duty>(['deliver', 'delayed', 'worker'])

/** Parameters with the reserved concurrency of a function, by its name. */
const concurrency: Readonly<Record<string, string>> = { worker: 'WorkerConcurrency', http: 'HttpConcurrency' }

/** The functions with their log groups. */
export function functionsWithLogs(settings: Settings): Resources {
  return Object.fromEntries(
    functionsOf(settings).flatMap((each) => [
      [`${each.id}LogGroup`, logGroup(settings, each)],
      [`${each.id}LambdaFunction`, lambdaFunction(settings, each)],
    ]),
  )
}

function logGroup(settings: Settings, { name }: FunctionName): Resource {
  return {
    Type: 'AWS::Logs::LogGroup',
    Properties: {
      LogGroupName: `/aws/lambda/${functionName(settings, name)}`,
      RetentionInDays: settings.logRetentionDays,
    },
  }
}

function lambdaFunction(settings: Settings, declared: FunctionName): Resource {
  const { id, name, duties } = declared
  return {
    Type: 'AWS::Lambda::Function',
    DependsOn: [`${id}LogGroup`], // Lambda would create the log group itself, without a retention
    Properties: {
      Code: { S3Bucket: ref('CodeBucket'), S3Key: ref('CodeKey') },
      Handler: handlerOf(settings, declared),
      Runtime: settings.runtime,
      FunctionName: functionName(settings, name),
      MemorySize: settings.memoryMb,
      Timeout: timeoutOf(settings, declared),
      Architectures: ['arm64'],
      Environment: { Variables: environment(settings) },
      Role: attribute(`${id}Role`, 'Arn'),
      ...(duties.some((duty) => recursive.has(duty)) && { RecursiveLoop: 'Allow' }),
      ...reservedConcurrency(settings, name),
      ...(settings.vpc && {
        VpcConfig: { SubnetIds: settings.vpc.subnetIds, SecurityGroupIds: settings.vpc.securityGroupIds },
      }),
    },
  }
}

/** The timeout of a function, in seconds. */
export function timeoutOf({ timeoutSeconds }: Settings, { duties, streams }: FunctionName): number {
  const [duty, ...others] = duties
  if (streams) return streamTimeout
  return duty === undefined || others.length > 0 ? timeoutSeconds : timeouts[duty]
}

function reservedConcurrency({ reservedConcurrency: reserved }: Settings, name: string) {
  const parameter = concurrency[name]
  if (parameter !== undefined) return { ReservedConcurrentExecutions: when(`Has${parameter}`, ref(parameter)) }
  const executions = reserved[name as keyof typeof reserved]
  return executions === undefined ? {} : { ReservedConcurrentExecutions: executions }
}

function environment(settings: Settings) {
  return {
    TRUNKLINE_TABLE: ref('Table'),
    TRUNKLINE_CALLBACK_URL: callbackUrl(settings),
    TRUNKLINE_DELIVER: nameFor(settings, 'deliver'),
    TRUNKLINE_WORKER: nameFor(settings, 'worker'),
    TRUNKLINE_DELAY_QUEUE_URL: ref('Later'),
    TRUNKLINE_RESTORE: ref('RestoreNumber'),
    TRUNKLINE_ORIGINS:
      settings.site === undefined ? ref('Origins') : join(',', [ref('Origins'), siteOrigin(settings.site)]),
    POWERTOOLS_METRICS_NAMESPACE: 'Trunkline',
    POWERTOOLS_SERVICE_NAME: lineName(settings), // the dimension of the metrics that the alarms watch
    ...settings.environment,
  }
}
