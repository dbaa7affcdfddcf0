// An entry of its own: `import('./sdk.ts')` loads the AWS SDK only for `trunkline inspect`.

/**
 * The parts of the AWS SDK that the inspector of a stage uses. They are named exports, because a bundler that uses the
 * SDK's CommonJS build loses the names of a namespace import.
 */
export { ApiGatewayManagementApiClient, GetConnectionCommand } from '@aws-sdk/client-apigatewaymanagementapi'
export { CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch'
export { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs'
