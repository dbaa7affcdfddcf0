// An entry of its own: `import('./sdk.ts')` loads the AWS SDK only for a redrive.

/**
 * The parts of the AWS SDK that a redrive uses. They are named exports, because a bundler that uses the
 * SDK's CommonJS build loses the names of a namespace import.
 */
export {
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
  ResourceNotFoundException,
  TrimmedDataAccessException,
} from '@aws-sdk/client-dynamodb-streams'
export {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
