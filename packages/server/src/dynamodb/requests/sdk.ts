/**
 * The parts of the AWS SDK that the store uses, imported by `import('./sdk.ts')`. This file imports the names
 * statically: a bundler that takes the SDK's CommonJS build would turn `import()` of the SDK into a namespace without
 * names.
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
