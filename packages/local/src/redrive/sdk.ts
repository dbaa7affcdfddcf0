/**
 * The parts of the AWS SDK that `import('./sdk.ts')` loads. They are named exports, because a bundler that uses the
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
