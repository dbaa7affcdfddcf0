// An entry of its own: `import('./sdk.ts')` loads the AWS SDK only for a command that scans.

/** Named exports: a bundler that uses the SDK's CommonJS build loses the names of a namespace import. */
export { DescribeTableCommand, DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb'
