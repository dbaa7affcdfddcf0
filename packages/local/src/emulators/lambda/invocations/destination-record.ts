import type { LocalClock } from '../../clock.ts'
import { functionArn } from '../runtime/lambda-context.ts'
import type { InvokeResult } from './lambda-function.ts'

/** What an on-failure destination gets. `requestPayload` when it was an asynchronous event; `DDBStreamBatchInfo`, and no records, when it was a stream's batch. */
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

/** The batch has to be read again from the stream, within its 24 h. Source: AWS.md §1.5. */
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

/** AWS documents the first; the second's spelling is unsure. */
export type StreamFailureCondition = 'RetryAttemptsExhausted' | 'RecordAgeExceeded'

/** The part that both kinds share. `result` is the last attempt's; undefined when there was none. */
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
