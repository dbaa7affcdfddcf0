import { attribute, ref } from '../template/intrinsics.ts'
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

/** What invokes `tableStream` and `delayed`, and how asynchronous invocations of `deliver` and `worker` are repeated. */
export function eventSources(): Resources {
  return {
    TableStreamEventSourceMappingDynamodbTable: {
      Type: 'AWS::Lambda::EventSourceMapping',
      DependsOn: ['TableStreamRole'],
      Properties: {
        EventSourceArn: attribute('Table', 'StreamArn'),
        FunctionName: attribute('TableStreamLambdaFunction', 'Arn'),
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
      DependsOn: ['DelayedRole'],
      Properties: {
        EventSourceArn: attribute('Later', 'Arn'),
        FunctionName: attribute('DelayedLambdaFunction', 'Arn'),
        Enabled: true,
        BatchSize: 10,
        // 1,000 members that leave one room at once write to one log: more functions would only lose races
        ScalingConfig: { MaximumConcurrency: 10 },
        FunctionResponseTypes: ['ReportBatchItemFailures'],
      },
    },
    // Both retries fit into the age, even when each attempt takes all of its time.
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
