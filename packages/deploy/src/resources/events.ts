import { attribute, ref } from '../template/intrinsics.ts'
import { functionFor } from '../template/names.ts'
import type { FunctionNames, Settings } from '../template/options.ts'
import type { Resource, Resources } from '../template/template.ts'

/**
 * New log slots except a stream's own chunks, and presence members with a pending change. No other row runs the
 * function; a renewed lease does not.
 */
const patterns = [
  {
    eventName: ['INSERT'],
    dynamodb: { Keys: { pk: { S: [{ prefix: 'LOG#' }] } }, NewImage: { own: { BOOL: [{ exists: false }] } } },
  },
  {
    eventName: ['INSERT', 'MODIFY'],
    dynamodb: { Keys: { pk: { S: [{ prefix: 'PRES#' }] } }, NewImage: { pending: { BOOL: [true] } } },
  },
]

/** 1,000 members that leave one room at once write to one log: more functions would only lose races. */
const mostDelayed = 10

/** What invokes `tableStream` and `delayed`, and how asynchronous invocations of `deliver` and `worker` are repeated. */
export function eventSources(settings: Settings): Resources {
  const tableStream = functionFor(settings, 'tableStream').id
  const { id: delayed, name } = functionFor(settings, 'delayed')
  const reserved = settings.reservedConcurrency[name as FunctionNames] ?? mostDelayed
  return {
    TableStreamEventSourceMappingDynamodbTable: {
      Type: 'AWS::Lambda::EventSourceMapping',
      DependsOn: [`${tableStream}Role`],
      Properties: {
        EventSourceArn: attribute('Table', 'StreamArn'),
        FunctionName: attribute(`${tableStream}LambdaFunction`, 'Arn'),
        Enabled: true,
        StartingPosition: 'TRIM_HORIZON', // LATEST can miss records while the mapping is created
        BatchSize: 100,
        ParallelizationFactor: 2,
        MaximumRetryAttempts: 5,
        MaximumRecordAgeInSeconds: 3_600,
        BisectBatchOnFunctionError: true,
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        FilterCriteria: { Filters: patterns.map((pattern) => ({ Pattern: JSON.stringify(pattern) })) },
        DestinationConfig: toDeadLetters,
      },
    },
    DelayedEventSourceMappingSQSLater: {
      Type: 'AWS::Lambda::EventSourceMapping',
      DependsOn: [`${delayed}Role`],
      Properties: {
        EventSourceArn: attribute('Later', 'Arn'),
        FunctionName: attribute(`${delayed}LambdaFunction`, 'Arn'),
        Enabled: true,
        BatchSize: 10,
        // a poller that is throttled by a lower reserve moves messages to the dead letters; SQS needs at least 2
        ScalingConfig: { MaximumConcurrency: Math.max(2, Math.min(mostDelayed, reserved)) },
        FunctionResponseTypes: ['ReportBatchItemFailures'],
      },
    },
    ...asynchronousInvocations(settings),
  }
}

/** Retries of asynchronous events begin one and two minutes after the attempt before. */
const retryDelays = 60 + 120

function asynchronousInvocations({ functions, timeoutSeconds }: Settings): Resources {
  // Both retries fit into the age, even when each attempt takes all of its time.
  if (functions === 'one') {
    const age = Math.max(900, 2 * timeoutSeconds + retryDelays)
    return { HandlerLambdaEvConf: asynchronous('Handler', { MaximumRetryAttempts: 2, MaximumEventAgeInSeconds: age }) }
  }
  return {
    DeliverLambdaEvConf: asynchronous('Deliver', { MaximumRetryAttempts: 2, MaximumEventAgeInSeconds: 900 }),
    // As long as the first run may last, and the minute before a retry: the retry finds a run that died.
    WorkerLambdaEvConf: asynchronous('Worker', { MaximumRetryAttempts: 1, MaximumEventAgeInSeconds: 1_080 }),
  }
}

const toDeadLetters = { OnFailure: { Destination: attribute('DeadLetters', 'Arn') } }

function asynchronous(id: string, repeats: Readonly<Record<string, number>>): Resource {
  return {
    Type: 'AWS::Lambda::EventInvokeConfig',
    Properties: {
      FunctionName: ref(`${id}LambdaFunction`),
      Qualifier: '$LATEST',
      DestinationConfig: toDeadLetters,
      ...repeats,
    },
  }
}
