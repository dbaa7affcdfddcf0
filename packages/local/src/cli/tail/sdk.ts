// An entry of its own: `import('./sdk.ts')` loads this part of the AWS SDK only for `trunkline tail` of a stage.

/** Named exports: a bundler that uses the SDK's CommonJS build loses the names of a namespace import. */
export {
  CloudWatchLogsClient,
  paginateFilterLogEvents,
  ResourceNotFoundException,
} from '@aws-sdk/client-cloudwatch-logs'
