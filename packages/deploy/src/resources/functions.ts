import { attribute, ref, sub, when } from '../template/intrinsics.ts'
import { type FunctionName, functionName, functionsOf, handlerOf, lineName } from '../template/names.ts'
import type { Settings } from '../template/options.ts'
import type { Resource, Resources } from '../template/template.ts'

/** Timeouts in seconds. The gateway waits 29 s for a frame, and an HTTP API 30 s for a request. */
const timeouts: Readonly<Record<string, number>> = {
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
const recursive = new Set(['deliver', 'delayed', 'worker'])

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
  const { id, name, streams } = declared
  const parameter = concurrency[name]
  return {
    Type: 'AWS::Lambda::Function',
    DependsOn: [`${id}LogGroup`, `${id}Role`], // Lambda would create the log group itself, without a retention
    Properties: {
      Code: { S3Bucket: ref('CodeBucket'), S3Key: ref('CodeKey') },
      Handler: handlerOf(settings, declared),
      Runtime: settings.runtime,
      FunctionName: functionName(settings, name),
      MemorySize: settings.memoryMb,
      Timeout: streams ? streamTimeout : timeouts[name],
      Architectures: ['arm64'],
      Environment: { Variables: environment(settings) },
      Role: attribute(`${id}Role`, 'Arn'),
      ...(recursive.has(name) && { RecursiveLoop: 'Allow' }),
      ...(parameter !== undefined && {
        ReservedConcurrentExecutions: when(`Has${parameter}`, ref(parameter)),
      }),
      ...(settings.vpc && {
        VpcConfig: { SubnetIds: settings.vpc.subnetIds, SecurityGroupIds: settings.vpc.securityGroupIds },
      }),
    },
  }
}

function environment(settings: Settings) {
  return {
    TRUNKLINE_TABLE: ref('Table'),
    TRUNKLINE_CALLBACK_URL: sub(
      `https://\${WebsocketsApi}.execute-api.\${AWS::Region}.\${AWS::URLSuffix}/${settings.stage}`,
    ),
    TRUNKLINE_DELIVER: functionName(settings, 'deliver'),
    TRUNKLINE_WORKER: functionName(settings, 'worker'),
    TRUNKLINE_DELAY_QUEUE_URL: ref('Later'),
    TRUNKLINE_RESTORE: ref('RestoreNumber'),
    TRUNKLINE_ORIGINS: ref('Origins'),
    POWERTOOLS_METRICS_NAMESPACE: 'Trunkline',
    POWERTOOLS_SERVICE_NAME: lineName(settings), // the dimension of the metrics that the alarms watch
    ...settings.environment,
  }
}
