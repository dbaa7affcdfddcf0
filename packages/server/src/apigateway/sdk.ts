/**
 * The parts of the AWS SDK that are used, imported by `import('./sdk.ts')`. This file imports the names statically: a
 * bundler that takes the SDK's CommonJS build would turn `import()` of the SDK into a namespace without names.
 */
export {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
