import { attribute, ref, when } from '../template/intrinsics.ts'
import type { Resources } from '../template/template.ts'

/** The table with its stream, and the queues for delayed work and for what failed for good. */
export function tableAndQueues(): Resources {
  return {
    Table: {
      Type: 'AWS::DynamoDB::Table',
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
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
      VisibilityTimeout: 180, // 6 times the timeout of the function `delayed`
      MessageRetentionPeriod: 3_600, // more than the longest delay (900 s) and five receives (5 × 180 s)
      RedrivePolicy: { deadLetterTargetArn: attribute('DeadLetters', 'Arn'), maxReceiveCount: 5 },
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
