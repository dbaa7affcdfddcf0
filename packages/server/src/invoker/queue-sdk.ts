/**
 * What is used of the AWS SDK, read by `import('./queue-sdk.ts')`. The names are imported statically, since a bundler that takes the SDK's CommonJS
 * build makes a namespace without names of `import()`.
 */
export { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
