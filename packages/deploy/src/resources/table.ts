import { attribute, ref, when } from '../template/intrinsics.ts'
import { functionFor } from '../template/names.ts'
import type { Settings } from '../template/options.ts'
import type { Resources } from '../template/template.ts'
import { timeoutOf } from './functions.ts'

const receives = 5

/** The table with its stream, and the queues for delayed work and for what failed for good. */
export function tableAndQueues(settings: Settings): Resources {
  const policy = settings.retainTable ? 'Retain' : 'Delete'
  const hidden = 6 * timeoutOf(settings, functionFor(settings, 'delayed')) // seconds, as AWS recommends
  return {
    Table: {
      Type: 'AWS::DynamoDB::Table',
      DeletionPolicy: policy,
      UpdateReplacePolicy: policy,
      Properties: {
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [
          { AttributeName: 'pk', AttributeType: 'S' },
          { AttributeName: 'sk', AttributeType: 'S' },
        ],
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
        TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true },
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        StreamSpecification: { StreamViewType: 'NEW_AND_OLD_IMAGES' },
        SSESpecification: when('HasKmsKey', { SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: ref('KmsKey') }),
      },
    },
    Later: queue({
      VisibilityTimeout: hidden,
      MessageRetentionPeriod: Math.max(3_600, 2 * (900 + receives * hidden)), // the longest delay and all receives fit
      RedrivePolicy: { deadLetterTargetArn: attribute('DeadLetters', 'Arn'), maxReceiveCount: receives },
    }),
    DeadLetters: queue({ MessageRetentionPeriod: 1_209_600 }), // 14 days, the longest of SQS
  }
}

/** A queue that is encrypted by the key of the stack or by SQS; SQS accepts one of the two. */
function queue(properties: Readonly<Record<string, unknown>>) {
  return {
    Type: 'AWS::SQS::Queue',
    Properties: {
      ...properties,
      KmsMasterKeyId: when('HasKmsKey', ref('KmsKey')),
      SqsManagedSseEnabled: when('HasKmsKey', ref('AWS::NoValue'), true),
    },
  }
}
