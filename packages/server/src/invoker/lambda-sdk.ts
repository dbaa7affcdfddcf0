/**
 * What is used of the AWS SDK, read by `import('./lambda-sdk.ts')`. The names are imported statically, since a bundler that takes the SDK's CommonJS
 * build makes a namespace without names of `import()`.
 */
export { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
