// An entry of its own: `import('./sdk.ts')` loads the AWS SDK for the first table.

/**
 * The parts of the AWS SDK that a table maker uses. They are named exports, because a bundler that uses the
 * SDK's CommonJS build loses the names of a namespace import.
 */
export {
  ConditionalCheckFailedException,
  CreateTableCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  ResourceNotFoundException,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
