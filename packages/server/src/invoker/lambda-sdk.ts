/**
 * The parts of the AWS SDK that are used, imported by `import('./lambda-sdk.ts')`. This file imports the names
 * statically: a bundler that takes the SDK's CommonJS build would turn `import()` of the SDK into a namespace without
 * names.
 */
export { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
