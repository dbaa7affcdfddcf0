// An entry of its own: `import('./sdk.ts')` loads the AWS SDK only for a run of the doctor.

/**
 * The parts of the AWS SDK that the doctor uses. They are named exports, because a bundler that uses the SDK's CommonJS
 * build loses the names of a namespace import.
 */
export {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GetConnectionCommand,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
export {
  ApiGatewayV2Client,
  GetApiCommand,
  GetApiMappingsCommand,
  GetAuthorizersCommand,
  GetIntegrationsCommand,
  GetRoutesCommand,
  GetStageCommand,
} from '@aws-sdk/client-apigatewayv2'
export { CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch'
export {
  DeleteItemCommand,
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb'
export { DescribeStreamCommand, DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams'
export { IAMClient, SimulatePrincipalPolicyCommand } from '@aws-sdk/client-iam'
export {
  GetAccountSettingsCommand,
  GetFunctionConcurrencyCommand,
  GetFunctionConfigurationCommand,
  GetFunctionEventInvokeConfigCommand,
  GetFunctionRecursionConfigCommand,
  LambdaClient,
  ListEventSourceMappingsCommand,
} from '@aws-sdk/client-lambda'
export { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs'
export { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
