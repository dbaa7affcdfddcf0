// An entry of its own: `import('./remote-sdk.ts')` loads the AWS SDK only for a remote DynamoDB.

/**
 * The parts of the AWS SDK for a remote DynamoDB. They are named exports, so that a bundler that uses the SDK's
 * CommonJS build keeps the names.
 */
export {
  CreateTableCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  ResourceInUseException,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb'
export {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  ExpiredIteratorException,
  GetRecordsCommand,
  GetShardIteratorCommand,
  TrimmedDataAccessException,
} from '@aws-sdk/client-dynamodb-streams'
