/**
 * What is used of the AWS SDK, read by `import('./sdk.ts')`. The names are imported statically, since a bundler that takes the SDK's CommonJS
 * build makes a namespace without names of `import()`.
 */
export { DynamoDBClient } from '@aws-sdk/client-dynamodb'
export {
  BatchGetCommand,
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb'
