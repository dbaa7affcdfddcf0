/** The backend on AWS: a DynamoDB table, the WebSocket API's callback URL, functions and a delay queue. */
export { type AwsBackendOptions, awsBackend } from './backend.ts'
export { preload } from './preload.ts'
