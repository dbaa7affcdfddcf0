import type { LocalClock } from '../../clock.ts'
import { functionArn } from '../runtime/lambda-context.ts'
import type { InvokeResult } from './lambda-function.ts'

/**
 * The record that an on-failure destination receives. It has `requestPayload` for an asynchronous event, and
 * `DDBStreamBatchInfo` without the records for a batch of a stream.
 */
export type FailureMessage = AsyncFailureMessage | StreamFailureMessage

interface FailureHead<Condition extends string> {
  readonly version: '1.0'
  /** ISO 8601. */
  readonly timestamp: string
  readonly requestContext: {
    readonly requestId: string
    readonly functionArn: string
    readonly condition: Condition
    readonly approximateInvokeCount: number
  }
  /** Absent when the function never ran. */
  readonly responseContext?: {
    readonly statusCode: 200
    readonly executedVersion: '$LATEST'
    readonly functionError?: 'Unhandled'
  }
}

export interface AsyncFailureMessage extends FailureHead<'RetriesExhausted' | 'EventAgeExceeded'> {
  readonly requestPayload: unknown
  readonly responsePayload?: { readonly errorType?: string; readonly errorMessage?: string }
}

/** The records of the batch must be read from the stream again, within its 24 h. */
export interface StreamFailureMessage extends FailureHead<StreamFailureCondition> {
  readonly DDBStreamBatchInfo: {
    readonly shardId: string
    readonly startSequenceNumber: string
    readonly endSequenceNumber: string
    readonly approximateArrivalOfFirstRecord: string
    readonly approximateArrivalOfLastRecord: string
    readonly batchSize: number
    readonly streamArn: string
  }
}

/** AWS documents the first value; the spelling of the second is undocumented. */
export type StreamFailureCondition = 'RetryAttemptsExhausted' | 'RecordAgeExceeded'

/** Creates the fields that both kinds share. `result` is the last attempt's; undefined when there was none. */
export function failureHead<Condition extends string>(options: {
  readonly clock: LocalClock
  readonly functionName: string
  readonly requestId: string
  readonly condition: Condition
  readonly invokeCount: number
  readonly result: InvokeResult | undefined
}): FailureHead<Condition> {
  const { result } = options
  return {
    version: '1.0',
    timestamp: new Date(options.clock.now()).toISOString(),
    requestContext: {
      requestId: options.requestId,
      functionArn: `${functionArn(options.functionName)}:$LATEST`,
      condition: options.condition,
      approximateInvokeCount: options.invokeCount,
    },
    ...(result !== undefined && result.status !== 'throttled' && { responseContext: responseContext(result) }),
  }
}

function responseContext(result: InvokeResult): NonNullable<FailureHead<string>['responseContext']> {
  const answered = { statusCode: 200, executedVersion: '$LATEST' } as const
  return result.status === 'ok' ? answered : { ...answered, functionError: 'Unhandled' }
}
